//! How a handler says that it did not succeed.

use std::{error::Error, fmt, time::Duration};

pub(crate) use database::chain;

type Source = Box<dyn Error + Send + Sync>;

/// The outcome of an attempt that did not succeed.
///
/// Any error turns into a retry with `?`; the other outcomes are said on purpose.
pub struct JobError(pub(crate) Kind);

pub(crate) enum Kind {
    Retry(Source),
    Discard(String),
    Cancel(String),
    Snooze(Duration),
}

impl JobError {
    /// The attempt failed: again after the policy's backoff, until its attempts are used up.
    pub fn retry(source: impl Into<Source>) -> Self {
        Self(Kind::Retry(source.into()))
    }

    /// The job can never succeed: it is over, with this reason.
    pub fn discard(reason: impl Into<String>) -> Self {
        Self(Kind::Discard(reason.into()))
    }

    /// Nobody wants the job any more: it is over, with this reason.
    pub fn cancel(reason: impl Into<String>) -> Self {
        Self(Kind::Cancel(reason.into()))
    }

    /// Not now: again after this time. The attempt does not count.
    #[must_use]
    pub fn snooze(wait: Duration) -> Self {
        Self(Kind::Snooze(wait))
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for JobError {
    fn from(error: E) -> Self {
        Self::retry(error)
    }
}

impl fmt::Debug for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Retry(source) => write!(f, "retry: {}", chain(source.as_ref())),
            Kind::Discard(reason) => write!(f, "discard: {reason}"),
            Kind::Cancel(reason) => write!(f, "cancel: {reason}"),
            Kind::Snooze(wait) => write!(f, "snooze for {wait:?}"),
        }
    }
}
