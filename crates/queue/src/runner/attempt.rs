//! One attempt of one job, from its row to its outcome.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use jobs::Policy;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store::{Claimed, Over, Return};
use crate::{Context, JobError, JobId, Registry, arguments, error};

/// How long a cancelled attempt may go on before it is dropped where it waits.
const GRACE: Duration = Duration::from_secs(5);

/// What becomes of the job.
pub(crate) enum Settled {
    Over(Over),
    Return(Return),
}

impl Settled {
    pub(crate) fn id(&self) -> Uuid {
        match self {
            Self::Over(over) => over.id,
            Self::Return(back) => back.id,
        }
    }
}

enum Ended {
    Answered(Result<(), JobError>),
    Panicked(String),
    TimedOut(Duration),
    Stopped,
}

/// Runs a claimed job to its end, whatever that is. Never panics.
pub(crate) async fn run<S: Clone + Send + Sync + 'static>(
    registry: &Registry<S>,
    job: Claimed,
    release: &str,
    stop: &CancellationToken,
) -> Settled {
    let Some(entry) = registry.entry(&job.kind) else {
        return park(&job, release, format!("this build has no handler for `{}`", job.kind));
    };
    let context = Context {
        state: registry.state.clone(),
        job_id: JobId(job.id),
        attempt: u16::try_from(job.attempt).unwrap_or(1),
        cancel: stop.child_token(),
    };
    let cancel = context.cancel.clone();
    let version = u16::try_from(job.version).unwrap_or(1);
    let started = std::time::Instant::now();
    // Upcasters and Deserialize are the application's code too: a panic there is one job's.
    let decoded = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let metadata = serde_json::from_str(&job.metadata)?;
        (entry.start)(arguments::from_metadata(metadata), version, context)
    }));
    let attempt = match decoded {
        Ok(Ok(attempt)) => attempt,
        Ok(Err(error)) => return park(&job, release, format!("the arguments do not decode: {error}")),
        Err(panic) => {
            return park(
                &job,
                release,
                format!("decoding the arguments panicked: {}", message(panic.as_ref())),
            );
        }
    };
    let ended = until_end(attempt, entry.policy.timeout, &cancel).await;
    settle(&job, &entry.policy, ended, started.elapsed())
}

async fn until_end(
    attempt: crate::registry::Attempt,
    timeout: Duration,
    cancel: &CancellationToken,
) -> Ended {
    let mut attempt = std::pin::pin!(AssertUnwindSafe(attempt).catch_unwind());
    let answered = |result| match result {
        Ok(answer) => Ended::Answered(answer),
        Err(panic) => Ended::Panicked(message(Box::as_ref(&panic))),
    };
    let timed_out = tokio::select! {
        result = &mut attempt => return answered(result),
        () = tokio::time::sleep(timeout) => true,
        () = cancel.cancelled() => false,
    };
    cancel.cancel();
    match tokio::time::timeout(GRACE, &mut attempt).await {
        Ok(result) => answered(result),
        Err(_) if timed_out => Ended::TimedOut(timeout),
        Err(_) => Ended::Stopped,
    }
}

fn settle(job: &Claimed, policy: &Policy, ended: Ended, took: Duration) -> Settled {
    let over = |outcome, error| {
        Settled::Over(Over {
            id: job.id,
            attempt: job.attempt,
            outcome,
            error,
            duration_us: i64::try_from(took.as_micros()).unwrap_or(i64::MAX),
        })
    };
    let error = match ended {
        Ended::Answered(Ok(())) => return over("finished", None),
        Ended::Answered(Err(JobError(error::Kind::Discard(reason)))) => {
            return over("discarded", Some(reason));
        }
        Ended::Answered(Err(JobError(error::Kind::Snooze(wait)))) => {
            return Settled::Return(back(job, "new", false, wait, None));
        }
        Ended::Stopped => return Settled::Return(back(job, "new", false, Duration::ZERO, None)),
        Ended::Answered(Err(JobError(error::Kind::Retry(source)))) => error::chain(source.as_ref()),
        Ended::Panicked(message) => format!("panicked: {message}"),
        Ended::TimedOut(timeout) => format!("took longer than {timeout:?}"),
    };
    let attempt = u16::try_from(job.attempt).unwrap_or(u16::MAX);
    if attempt >= policy.max_attempts {
        tracing::error!(job.id = %job.id, job.kind = job.kind, job.attempt = attempt, error, "job failed for good");
        return Settled::Return(back(job, "failed", true, Duration::ZERO, Some(error)));
    }
    let wait = jittered(policy.backoff.delay(attempt));
    tracing::warn!(job.id = %job.id, job.kind = job.kind, job.attempt = attempt, error, "attempt failed");
    Settled::Return(back(job, "retried", true, wait, Some(error)))
}

fn back(job: &Claimed, state: &'static str, counts: bool, wait: Duration, error: Option<String>) -> Return {
    Return {
        id: job.id,
        attempt: job.attempt,
        state,
        counts,
        wait_seconds: wait.as_secs_f64(),
        // Postgres stores no U+0000 in a text.
        error: error.map(|text| text.replace('\0', "\u{fffd}")),
        parked_by: None,
    }
}

fn park(job: &Claimed, release: &str, reason: String) -> Settled {
    tracing::error!(job.id = %job.id, job.kind = job.kind, reason, "job parked: no build so far can read it");
    let parked_by = Some(release.to_owned());
    Settled::Return(Return { parked_by, ..back(job, "new", false, Duration::ZERO, Some(reason)) })
}

/// Between 75 % and 125 % of the wait, so that jobs that failed together do not come back together.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(rand::random_range(0.75..1.25))
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}
