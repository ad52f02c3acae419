//! Which kinds this build can run, and how.

use std::{collections::HashMap, future::Future, pin::Pin, sync::Arc};

use jobs::{Job, Policy};
use serde_json::Value;

use crate::{Context, JobError};

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
/// Arguments and their version to an attempt, or the reason why they cannot be read.
type Start<S> = Box<dyn Fn(Value, u16, Context<S>) -> Result<Attempt, serde_json::Error> + Send + Sync>;

/// Whether arguments of this version can be read.
type Reads = Box<dyn Fn(Value, u16) -> bool + Send + Sync>;

pub(crate) struct Entry<S> {
    pub(crate) policy: Policy,
    pub(crate) start: Start<S>,
    pub(crate) reads: Reads,
}

/// The kinds a worker knows, each with its handler, and the state that handlers share.
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
        let start: Start<S> = Box::new(move |arguments, version, context| {
            let job: J = read(arguments, version)?;
            let handler = Arc::clone(&handler);
            Ok(Box::pin(async move { handler.call(job, context).await }))
        });
        let reads: Reads = Box::new(|arguments, version| read::<J>(arguments, version).is_ok());
        let entry = Arc::new(Entry { policy: J::POLICY, start, reads });
        for kind in std::iter::once(J::KIND).chain(J::ALIASES.iter().copied()) {
            let former = self.entries.insert(kind, Arc::clone(&entry));
            assert!(former.is_none(), "two handlers for the job kind `{kind}`");
        }
        self
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

fn read<J: Job>(arguments: Value, version: u16) -> Result<J, serde_json::Error> {
    let arguments = if version < J::VERSION { J::upcast(version, arguments) } else { arguments };
    serde_json::from_value(arguments)
}
