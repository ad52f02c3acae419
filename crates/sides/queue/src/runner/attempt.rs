//! One attempt of one job, from its row to its outcome.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use job::Policy;

use super::{
    outcome::{LONGEST_WAIT, Outcome},
    sql::{
        claim::{Claimed, Unreadable},
        give_back::Returned,
    },
    stop::{Stop, StopReason},
};
use crate::{Context, JobError, JobId, Registry, error, registry::Opened};

enum Ended {
    Answered(Result<(), JobError>),
    Panicked(String),
    TimedOut(Option<JobError>),
    Stopped,
}

/// Reads a claimed job, or says what becomes of one that cannot be read. Never panics.
pub(crate) fn open<S: Clone + Send + Sync + 'static>(
    registry: &Registry<S>,
    job: &Claimed,
    stop: &Stop,
) -> Result<Opened, Outcome> {
    let Some(entry) = registry.entry(&job.kind) else {
        return Err(park(job, format!("this build has no handler for `{}`", job.kind)));
    };
    let context = Context {
        state: registry.state.clone(),
        job_id: JobId(job.id),
        attempt: u16::try_from(job.attempt).unwrap_or(1),
        failures: u32::try_from(job.failures).unwrap_or(0),
        trace: job.trace.clone(),
        lease: job.lease,
        cancel: stop.token().clone(),
    };
    let version = u16::try_from(job.version).unwrap_or(1);
    // Upcasters and Deserialize are the application's code too: a panic there is one job's.
    let opened = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let metadata = serde_json::from_str(&job.metadata)?;
        (entry.open)(metadata, version, context)
    }));
    match opened {
        Ok(Ok(opened)) => Ok(opened),
        Ok(Err(error)) => Err(park(job, format!("the arguments do not decode: {error}"))),
        Err(panic) => Err(park(job, format!("decoding the arguments panicked: {}", message(panic.as_ref())))),
    }
}

/// Runs an attempt to its end, whatever that is. Never panics.
pub(crate) async fn run(opened: Opened, job: &Claimed, stop: &Stop, grace: Duration) -> Outcome {
    let Opened { attempt, policy } = opened;
    let started = Instant::now();
    let ended = until_end(attempt, policy.timeout, stop, grace).await;
    outcome(job, &policy, stop, ended, started.elapsed())
}

async fn until_end(
    attempt: crate::registry::Attempt,
    timeout: Duration,
    stop: &Stop,
    grace: Duration,
) -> Ended {
    let mut attempt = std::pin::pin!(AssertUnwindSafe(attempt).catch_unwind());
    let timed_out = tokio::select! {
        biased;
        result = &mut attempt => return answered(result),
        () = stop.token().cancelled() => false,
        () = tokio::time::sleep(timeout) => true,
    };
    stop.token().cancel();
    let last = tokio::time::timeout(grace, &mut attempt).await.map(answered);
    match (last, timed_out) {
        (Ok(Ended::Answered(Err(error))), true) => Ended::TimedOut(Some(error)),
        (Ok(ended), _) => ended,
        (Err(_), true) => Ended::TimedOut(None),
        (Err(_), false) => Ended::Stopped,
    }
}

fn answered(result: Result<Result<(), JobError>, Box<dyn std::any::Any + Send>>) -> Ended {
    match result {
        Ok(answer) => Ended::Answered(answer),
        Err(panic) => Ended::Panicked(message(Box::as_ref(&panic))),
    }
}

fn outcome(job: &Claimed, policy: &Policy, stop: &Stop, ended: Ended, took: Duration) -> Outcome {
    let error = match ended {
        Ended::Answered(Ok(())) => return Outcome::finished(job, took),
        Ended::Answered(Err(JobError(error::Kind::Discard(reason)))) => {
            return Outcome::over(job, took, "discarded", reason);
        }
        Ended::Answered(Err(JobError(error::Kind::Cancel(reason)))) => {
            return Outcome::over(job, took, "cancelled", reason);
        }
        Ended::Answered(Err(JobError(error::Kind::Snooze(wait)))) => {
            return Outcome::back(job, Returned::Snoozed, Some(took), wait, None);
        }
        // What fails because it was told to stop has not failed.
        Ended::Stopped | Ended::Answered(Err(_)) if stop.reason().is_some() => {
            return stopped(job, stop, took);
        }
        Ended::Stopped => return stopped(job, stop, took),
        Ended::Answered(Err(JobError(error::Kind::Retry(source)))) => error::chain(source.as_ref()),
        Ended::Panicked(message) => format!("panicked: {message}"),
        Ended::TimedOut(None) => late(policy),
        Ended::TimedOut(Some(error)) => format!("{}; then {error:?}", late(policy)),
    };
    failed(job, policy, Some(took), error)
}

fn stopped(job: &Claimed, stop: &Stop, took: Duration) -> Outcome {
    match stop.reason() {
        Some(StopReason::Cancelled(reason)) => Outcome::over(job, took, "cancelled", reason.clone()),
        _ => Outcome::back(job, Returned::Released, Some(took), Duration::ZERO, None),
    }
}

/// What becomes of an attempt that does not even notice that it should stop.
pub(crate) fn blocked(job: &Claimed, policy: &Policy, stop: &Stop, took: Duration) -> Outcome {
    if stop.reason().is_some() {
        return stopped(job, stop, took);
    }
    let error = format!("{}, and blocks its thread: it could not be stopped", late(policy));
    failed(job, policy, Some(took), error)
}

fn late(policy: &Policy) -> String {
    format!("took longer than {:?}", policy.timeout)
}

fn failed(job: &Claimed, policy: &Policy, took: Option<Duration>, error: String) -> Outcome {
    let attempt = u16::try_from(job.attempt).unwrap_or(u16::MAX);
    if attempt >= policy.max_attempts {
        tracing::error!(job.id = %job.id, job.kind = job.kind, job.attempt = attempt, error, "job failed for good");
        return Outcome::back(job, Returned::Failed, took, Duration::ZERO, Some(error));
    }
    let wait = jittered(policy.backoff.delay(attempt));
    tracing::warn!(job.id = %job.id, job.kind = job.kind, job.attempt = attempt, error, "attempt failed");
    Outcome::back(job, Returned::Retried, took, wait, Some(error))
}

/// What becomes of a row that cannot even be read.
pub(crate) fn set_aside(row: Unreadable) -> Outcome {
    let Unreadable { id, lease, reason } = row;
    tracing::error!(job.id = %id, reason, "job parked: its row cannot be read");
    Outcome::unreadable(id, lease, reason)
}

fn park(job: &Claimed, reason: String) -> Outcome {
    tracing::error!(job.id = %job.id, job.kind = job.kind, reason, "job parked: no build so far can read it");
    Outcome::back(job, Returned::Parked, None, Duration::ZERO, Some(reason))
}

/// Between 75 % and 125 % of the wait, so that jobs that failed together do not come back together.
fn jittered(wait: Duration) -> Duration {
    wait.min(LONGEST_WAIT).mul_f64(rand::random_range(0.75..1.25))
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}
