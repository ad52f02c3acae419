//! The time of this machine.

use std::time::Instant;

use chrono::{DateTime, Utc};

/// Where a scheduler reads this machine's time. Real everywhere but in tests of machines whose time is wrong.
pub trait Time: Send + Sync + 'static {
    /// Goes on evenly, whatever is set.
    fn monotonic(&self) -> Instant;
    /// What this machine believes the time is.
    fn own(&self) -> DateTime<Utc>;
}

/// The operating system's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemTime;

impl Time for SystemTime {
    fn monotonic(&self) -> Instant {
        Instant::now()
    }

    fn own(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
