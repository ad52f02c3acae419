//! What an enqueuer may say about one job.

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
    /// At most one job of its kind with this key exists at a time, until it is over; enqueueing another
    /// returns the id of the one that is there.
    pub unique_key: Option<String>,
    /// Who enqueues: process and release. Shown in the job's life.
    pub enqueued_by: Option<String>,
}
