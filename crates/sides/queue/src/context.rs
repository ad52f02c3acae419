//! What a handler gets beside its job.

use tokio_util::sync::CancellationToken;

use crate::JobId;

/// One attempt of one job.
#[derive(Debug, Clone)]
pub struct Context<S> {
    /// What the registry was made with: pool, clients, clock.
    pub state: S,
    /// The job. The same in every attempt, so it serves as an idempotency key.
    pub job_id: JobId,
    /// 1 the first time.
    pub attempt: u16,
    /// The W3C `traceparent` of whoever enqueued the job.
    pub trace: Option<String>,
    /// Attempts that have failed, in whatever worker.
    pub failures: u32,
    /// With the owner, the fencing token.
    pub(crate) lease: i32,
    pub(crate) cancel: CancellationToken,
}

impl<S> Context<S> {
    /// Completes when the attempt should stop: its time is up, or the process is told to stop and the time
    /// for finishing has passed. Soon after, the attempt is dropped where it waits.
    pub async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }

    /// Whether the attempt should stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}
