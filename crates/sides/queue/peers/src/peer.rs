//! What each peer must be able to do.

use database::DatabaseUrl;

/// A peer, and how it is set.
#[derive(Debug, Clone)]
pub struct Setting {
    pub name: String,
    pub concurrency: usize,
    /// Local queues of graphile_worker, each of 5000; as many jobs are claimed ahead by ours.
    pub queues: usize,
}

impl Setting {
    /// From `name:concurrency`, or `name:concurrency:queues`.
    pub fn parse(text: &str) -> Self {
        let mut parts = text.trim().split(':');
        let name = parts.next().unwrap_or_default().to_owned();
        let mut number =
            || parts.next().map(|text| text.parse().expect("BENCH_PEERS: numbers behind the name"));
        let (concurrency, queues) = (number().unwrap_or(16), number().unwrap_or(1));
        Self { name, concurrency, queues }
    }

    pub fn label(&self) -> String {
        let queues = if self.queues > 1 { format!(", 5000 x {} ahead", self.queues) } else { String::new() };
        format!("{}, concurrency {}{queues}", self.name, self.concurrency)
    }
}

/// One queue and its worker. Its handlers call [`crate::work::run`].
pub trait Peer: Sized {
    /// Whether nothing is left that was enqueued.
    const DONE: &'static str;
    /// A worker at work.
    type Worker;

    /// Its tables in an empty database.
    async fn open(url: &DatabaseUrl) -> Self;
    /// Enqueues in bulk, its fastest way. False when it has no such way, but they are there.
    async fn fill(&mut self, jobs: u64) -> bool;
    /// Enqueues one, in a transaction of its own.
    async fn one(&mut self);
    /// Enqueues one by one in a transaction of the caller's. False when it cannot.
    async fn in_transaction(&mut self, jobs: u64) -> bool;
    /// Starts to work: set for many jobs, or for one that comes now and then.
    async fn start(&self, setting: &Setting, many: bool) -> Self::Worker;
    async fn stop(worker: Self::Worker);
}
