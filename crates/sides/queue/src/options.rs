//! What an enqueuer may say about one job.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Everything has a default: now, and what the job's policy says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Not before this moment.
    pub at: Option<DateTime<Utc>>,
    /// Smaller runs first among the jobs that are due.
    pub priority: Option<i16>,
    /// The queue it waits in.
    pub queue: Option<String>,
    /// At most one job of its kind with this key exists at a time. `unique` says for how long the key is taken
    /// and what becomes of a second job.
    pub unique_key: Option<String>,
    /// The terms of `unique_key`; without a key they mean nothing.
    pub unique: Unique,
    /// Jobs of a limited queue or kind with this key share [`crate::Limits::running_per_key`].
    pub limit_key: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The W3C `traceparent` of whoever enqueues, handed to the handler.
    pub trace: Option<String>,
    /// Who enqueues. Left out, it is the name of the database session, which is process and release.
    pub enqueued_by: Option<String>,
}

/// The terms of a unique key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unique {
    /// The key is another one in every period of this length, counted from 1970-01-01T00:00Z; whole seconds, at
    /// least one. The period is the one in which the job is due.
    pub period: Option<Duration>,
    /// For how long a job holds its key.
    pub until: UniqueUntil,
    /// What becomes of a job whose key is taken.
    pub on_conflict: OnConflict,
}

/// In which states a job holds its unique key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UniqueUntil {
    /// While it waits for its first start: a job enqueued while it runs comes after it.
    Started,
    /// While it waits, runs, waits for a retry, or has failed for good and is still there.
    #[default]
    Over,
    /// Also when it is over, for as long as the history remembers it. Together with a period: at most once in it.
    Forgotten,
}

/// What becomes of a job whose key is taken. Whatever it is, enqueueing returns the id of the job that is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// The job that is there stays as it is.
    #[default]
    Keep,
    /// The one that is there gets the arguments, time and options of the new one, if it has not started.
    Replace,
    /// The one that is there gets the time of the new one, if it has not started.
    Move,
}

impl Unique {
    /// The key as it is stored, for a job that is due at this time.
    pub(crate) fn key(&self, key: &str, due: DateTime<Utc>) -> String {
        let Some(period) = self.period else { return key.to_owned() };
        let length = i64::try_from(period.as_secs()).unwrap_or(i64::MAX).max(1);
        let start = due.timestamp().div_euclid(length).saturating_mul(length);
        format!("{key}@{start}/{length}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_makes_a_key_of_its_own() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let hourly = Unique { period: Some(Duration::from_secs(3600)), ..Unique::default() };
        assert_eq!(hourly.key("report", at(7199)), "report@3600/3600");
        assert_eq!(hourly.key("report", at(7200)), "report@7200/3600");
        assert_eq!(hourly.key("report", at(-1)), "report@-3600/3600");
        assert_eq!(Unique::default().key("report", at(7199)), "report");
    }
}
