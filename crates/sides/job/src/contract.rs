//! The trait of a job.

use serde::{Serialize, de::DeserializeOwned};

use crate::Policy;

/// A job's contract. Implemented by the type that holds its arguments.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Greet {
///     name: String,
/// }
///
/// impl sides_job::Job for Greet {
///     const KIND: &'static str = "greet";
/// }
/// ```
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name that crosses process borders. Never changes once a job of it was enqueued; it is not derived
    /// from the Rust type, so that the type may be renamed freely.
    const KIND: &'static str;

    /// The version of the arguments. Raise it when old arguments no longer decode, and say in
    /// [`Job::upcast`] how to read them.
    const VERSION: u16 = 1;

    /// The oldest version that [`Job::upcast`] still reads. Raise it when no job of an older one can wait.
    const OLDEST: u16 = 1;

    /// Former kinds that a handler of this job still accepts.
    const ALIASES: &'static [&'static str] = &[];

    /// How a job of this kind is run and retried.
    const POLICY: Policy = Policy::DEFAULT;

    /// Turns arguments written as version `from` into the current shape. Called only when `from` is older
    /// than [`Job::VERSION`]. The default leaves them as they are.
    fn upcast(_from: u16, arguments: serde_json::Value) -> serde_json::Value {
        arguments
    }
}
