//! Which kinds this build can run, and how.

use std::{collections::HashMap, future::Future, pin::Pin, sync::Arc};

use job::{Job, Policy};
use serde_json::Value;

use crate::{Context, JobError, arguments};

/// A function that runs one kind of job.
pub trait Handler<J, S>: Send + Sync + 'static {
    /// Runs one attempt.
    fn call(&self, job: J, context: Context<S>) -> impl Future<Output = Result<(), JobError>> + Send;
}

impl<J, S, F, Running> Handler<J, S> for F
where
    F: Fn(J, Context<S>) -> Running + Send + Sync + 'static,
    Running: Future<Output = Result<(), JobError>> + Send,
{
    fn call(&self, job: J, context: Context<S>) -> impl Future<Output = Result<(), JobError>> + Send {
        self(job, context)
    }
}

/// One attempt, ready to run.
pub(crate) type Attempt = Pin<Box<dyn Future<Output = Result<(), JobError>> + Send>>;

/// An attempt whose arguments could be read.
pub(crate) struct Opened {
    pub(crate) attempt: Attempt,
    /// The kind's, unless the job itself says otherwise.
    pub(crate) policy: Policy,
}

/// Metadata and its version to an attempt, or the reason why it cannot be read.
pub(crate) type Open<S> =
    Box<dyn Fn(Value, u16, Context<S>) -> Result<Opened, serde_json::Error> + Send + Sync>;

/// Whether metadata of this version can be read.
pub(crate) type Reads = Box<dyn Fn(Value, u16) -> bool + Send + Sync>;

pub(crate) struct Entry<S> {
    /// What holds until the job itself could be read.
    pub(crate) policy: Policy,
    pub(crate) open: Open<S>,
    pub(crate) reads: Reads,
}

/// The kinds a worker knows, each with its handler, and the state that handlers share.
///
/// A handler is an async function of a job and its context, or a closure. Any error is a retry, as the kind's policy says;
/// what should not be tried again is said with a [`JobError`].
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use sides_queue::{Context, Job, JobError, Policy, Registry, testing};
///
/// #[derive(Serialize, Deserialize)]
/// struct SendReport {
///     person_id: i64,
/// }
///
/// impl Job for SendReport {
///     const KIND: &'static str = "send_report";
///     const POLICY: Policy = Policy { max_attempts: 5, ..Policy::DEFAULT };
/// }
///
/// /// What handlers share: a pool, a client of the mail server.
/// #[derive(Clone)]
/// struct State {
///     sender: &'static str,
/// }
///
/// async fn send_report(job: SendReport, context: Context<State>) -> Result<(), JobError> {
///     if job.person_id < 1 {
///         return Err(JobError::discard("there is no such person"));
///     }
///     println!("{} sends job {}, attempt {}", context.state.sender, context.job_id, context.attempt);
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::new(State { sender: "reports" }).handle::<SendReport, _>(send_report);
/// assert_eq!(testing::run(&registry, &SendReport { person_id: 7 }).await?.outcome, "finished");
/// assert_eq!(testing::run(&registry, &SendReport { person_id: 0 }).await?.outcome, "discarded");
/// # Ok(())
/// # }
/// ```
pub struct Registry<S> {
    pub(crate) state: S,
    entries: HashMap<&'static str, Arc<Entry<S>>>,
}

impl<S: Clone + Send + Sync + 'static> Registry<S> {
    /// An empty registry whose handlers get `state`.
    pub fn new(state: S) -> Self {
        Self { state, entries: HashMap::new() }
    }

    /// Adds the handler of one kind, and of its aliases.
    ///
    /// # Panics
    /// When the kind or an alias has a handler already: two handlers for one name are a mistake in the build.
    #[must_use]
    pub fn handle<J: Job, H: Handler<J, S>>(mut self, handler: H) -> Self {
        let handler = Arc::new(handler);
        let open: Open<S> = Box::new(move |metadata, version, context| {
            let job: J = read(metadata, version)?;
            let handler = Arc::clone(&handler);
            let attempt: Attempt = Box::pin(async move { handler.call(job, context).await });
            Ok(Opened { attempt, policy: J::POLICY })
        });
        let reads: Reads = Box::new(|metadata, version| read::<J>(metadata, version).is_ok());
        let entry = Arc::new(Entry { policy: J::POLICY, open, reads });
        for kind in std::iter::once(J::KIND).chain(J::ALIASES.iter().copied()) {
            self.add(kind, Arc::clone(&entry));
        }
        self
    }

    pub(crate) fn add(&mut self, kind: &'static str, entry: Arc<Entry<S>>) {
        let former = self.entries.insert(kind, entry);
        assert!(former.is_none(), "two handlers for the job kind `{kind}`");
    }

    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.entries.keys().copied().collect();
        kinds.sort_unstable();
        kinds
    }

    pub(crate) fn entry(&self, kind: &str) -> Option<&Arc<Entry<S>>> {
        self.entries.get(kind)
    }
}

/// A job from what is stored.
pub(crate) fn read<J: Job>(metadata: Value, version: u16) -> Result<J, serde_json::Error> {
    let arguments = arguments::from_metadata(metadata);
    let arguments = if version < J::VERSION { J::upcast(version, arguments) } else { arguments };
    serde_json::from_value(arguments)
}
