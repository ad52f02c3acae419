//! One attempt of one of fang's jobs.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use database::Pool;
use fang::AsyncRunnable;
use futures_util::FutureExt as _;
use job::{Backoff, Policy};
use serde_json::Value;

use super::{FangQueue, fang_kinds, next};
use crate::{
    JobError, Registry,
    registry::{Entry, Opened},
};

/// fang knows no timeout: what runs for a day is taken for hung.
const TIMEOUT: Duration = Duration::from_secs(24 * 3600);
/// What holds for a job that cannot even be read.
const POLICY: Policy = Policy { max_attempts: 21, timeout: TIMEOUT, ..Policy::DEFAULT };

impl<S: Clone + Send + Sync + 'static> Registry<S> {
    /// Adds every job type that was written for fang 0.11 and is linked into this build. They run as they are,
    /// with their own `max_retries`, `backoff`, `uniq` and `cron`, and get a [`FangQueue`] on `pool`.
    ///
    /// A periodic job is followed by its next one when it has run, and before its last attempt: a crash does not
    /// end the chain, and a retry does not fork it.
    ///
    /// # Panics
    /// When a kind has a handler already.
    #[must_use]
    pub fn handle_fang(mut self, pool: Pool) -> Self {
        let queue = FangQueue::new(pool);
        let open = move |metadata, _, context: crate::Context<S>| {
            let job = read(metadata)?;
            let policy = policy(&*job, context.attempt, context.failures);
            let is_last = context.attempt >= policy.max_attempts;
            Ok(Opened { attempt: Box::pin(run(queue.clone(), job, is_last)), policy })
        };
        let reads = |metadata, _| read(metadata).is_ok();
        let entry = Arc::new(Entry { policy: POLICY, open: Box::new(open), reads: Box::new(reads) });
        for kind in fang_kinds() {
            self.add(kind, Arc::clone(&entry));
        }
        self
    }
}

fn read(metadata: Value) -> Result<Box<dyn AsyncRunnable>, serde_json::Error> {
    let job: Box<dyn AsyncRunnable> = serde_json::from_value(metadata)?;
    match next::pattern(&*job) {
        Ok(_) => Ok(job),
        Err(error) => Err(serde::de::Error::custom(format!("its cron pattern cannot be read: {error}"))),
    }
}

/// What the job itself says, for the attempt that begins.
fn policy(job: &dyn AsyncRunnable, attempt: u16, failures: u32) -> Policy {
    let left = u32::try_from(job.max_retries()).unwrap_or(0).saturating_sub(failures);
    // fang's own backoff overflows at 32.
    let wait = Duration::from_secs(job.backoff(failures.min(31)).into());
    Policy {
        max_attempts: attempt.saturating_add(u16::try_from(left).unwrap_or(u16::MAX)),
        timeout: TIMEOUT,
        backoff: Backoff { base: wait, ceiling: wait },
        ..Policy::DEFAULT
    }
}

async fn run(queue: FangQueue, job: Box<dyn AsyncRunnable>, is_last: bool) -> Result<(), JobError> {
    if is_last {
        follow_up(&queue, &*job).await;
    }
    let ended = AssertUnwindSafe(job.run(&queue)).catch_unwind().await;
    follow_up(&queue, &*job).await;
    match ended {
        Ok(answer) => answer.map_err(|error| JobError::retry(error.description)),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Tries until it succeeds: a job that has run must not run again for this.
async fn follow_up(queue: &FangQueue, job: &dyn AsyncRunnable) {
    while let Err(error) = queue.follow_up(job).await {
        if matches!(error, fang::AsyncQueueError::CronError(_)) {
            tracing::warn!(%error, "the last moment of a periodic job");
            return;
        }
        tracing::warn!(%error, "the next moment of a periodic job could not be written; trying again");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
