//! The outcome of a claimed job.

use std::time::Duration;

use uuid::Uuid;

use super::sql::{
    claim::Claimed,
    finish::Over,
    give_back::{Return, Returned},
};

/// Longer errors are cut: they are for people.
const LONGEST_ERROR: usize = 8_000;

/// Nobody waits longer, and no sum of times runs over.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(10 * 366 * 86_400);

#[derive(Debug)]
pub(crate) enum Outcome {
    /// It leaves the queue.
    Over(Over),
    /// It stays there, to run again or for people.
    Return(Return),
}

impl Outcome {
    pub(crate) fn finished(job: &Claimed, took: Duration) -> Self {
        Self::Over(Over { id: job.id, lease: job.lease, duration_us: micros(took), otherwise: None })
    }

    pub(crate) fn over(job: &Claimed, took: Duration, outcome: &'static str, reason: String) -> Self {
        let otherwise = Some((outcome, storable(reason)));
        Self::Over(Over { id: job.id, lease: job.lease, duration_us: micros(took), otherwise })
    }

    pub(crate) fn back(
        job: &Claimed,
        outcome: Returned,
        took: Option<Duration>,
        wait: Duration,
        error: Option<String>,
    ) -> Self {
        Self::Return(Return {
            id: job.id,
            lease: job.lease,
            outcome,
            wait_seconds: wait.min(LONGEST_WAIT).as_secs_f64(),
            error: error.map(storable),
            duration_us: took.map(micros),
        })
    }

    /// A row in flight that cannot be read.
    pub(crate) fn unreadable(id: Uuid, lease: i32, reason: String) -> Self {
        let (outcome, error) = (Returned::Parked, Some(storable(reason)));
        Self::Return(Return { id, lease, outcome, wait_seconds: 0.0, error, duration_us: None })
    }

    /// A job that was claimed and never started.
    pub(crate) fn untouched(job: &Claimed) -> Self {
        Self::back(job, Returned::Released, None, Duration::ZERO, None)
    }
}

fn micros(took: Duration) -> i64 {
    i64::try_from(took.as_micros()).unwrap_or(i64::MAX)
}

/// Postgres stores no U+0000 in a text.
fn storable(mut text: String) -> String {
    if text.len() > LONGEST_ERROR {
        let end = (0..=LONGEST_ERROR).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}
