//! How jobs of a kind are run and retried.

use std::time::Duration;

/// Run and retry rules of one job kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The queue the job waits in.
    pub queue: &'static str,
    /// Smaller runs first among the jobs that are due.
    pub priority: i16,
    /// How often a job is started before it is given up, the first time included.
    pub max_attempts: u16,
    /// How long one attempt may take before it is cancelled and counted as failed.
    pub timeout: Duration,
    /// How long to wait before the next attempt.
    pub backoff: Backoff,
}

impl Policy {
    /// Queue `default`, priority 0, 20 attempts, 60 seconds each.
    pub const DEFAULT: Self = Self {
        queue: "default",
        priority: 0,
        max_attempts: 20,
        timeout: Duration::from_secs(60),
        backoff: Backoff::DEFAULT,
    };
}

/// Exponential waiting with a ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failed attempt; it doubles with each further one.
    pub base: Duration,
    /// No wait is longer than this.
    pub ceiling: Duration,
}

impl Backoff {
    /// 5 s, 10 s, 20 s … at most an hour.
    pub const DEFAULT: Self = Self { base: Duration::from_secs(5), ceiling: Duration::from_secs(3600) };

    /// The wait after `attempt` (1 for the first) has failed, before jitter.
    #[must_use]
    pub fn delay(&self, attempt: u16) -> Duration {
        let doublings = u32::from(attempt.saturating_sub(1)).min(31);
        self.base.saturating_mul(1_u32 << doublings).min(self.ceiling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_ceiling_and_never_overflows() {
        let waits: Vec<u64> = [1, 2, 3, 12, u16::MAX].map(|a| Backoff::DEFAULT.delay(a).as_secs()).to_vec();
        assert_eq!(waits, [5, 10, 20, 3600, 3600]);
    }
}
