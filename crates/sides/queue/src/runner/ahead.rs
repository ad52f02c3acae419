//! How many jobs to claim ahead of the slots.
//!
//! A claim costs a round trip however many jobs it brings, so short jobs want many at a time; a long job that
//! waits here while another runner is idle waits for nothing. Both follow from one figure: how many jobs end in
//! a second.

use std::time::{Duration, Instant};

/// Jobs that will start within this time are fetched ahead.
const AHEAD: Duration = Duration::from_millis(100);
/// How much of the last interval enters the figure.
const WEIGHT: f64 = 0.5;

/// How fast jobs end.
#[derive(Debug)]
pub(crate) struct Pace {
    since: Instant,
    ended: u64,
    per_second: f64,
}

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, ended: 0, per_second: 0.0 }
    }

    /// Takes note of how many jobs have ended since the runner started.
    pub(crate) fn note(&mut self, now: Instant, ended: u64) {
        let passed = now - self.since;
        if passed < Duration::from_millis(1) {
            return;
        }
        // Counts of jobs are far below the 2^53 that a float holds exactly.
        #[allow(clippy::cast_precision_loss)]
        let rate = (ended - self.ended) as f64 / passed.as_secs_f64();
        self.per_second += (rate - self.per_second) * WEIGHT;
        (self.since, self.ended) = (now, ended);
    }

    /// How many jobs to claim now, with `free` slots, `ready` jobs fetched ahead and at most `most` of those.
    /// 0 while what is here lasts.
    pub(crate) fn wanted(&self, free: usize, ready: usize, most: usize) -> usize {
        // Bounded by `most`, and never negative.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let ahead = ((self.per_second * AHEAD.as_secs_f64()) as usize).min(most);
        let target = free + ahead;
        if ready > ahead / 2 && ready >= free { 0 } else { target.saturating_sub(ready) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(per_second: f64) -> Pace {
        Pace { since: Instant::now(), ended: 0, per_second }
    }

    #[test]
    fn slow_jobs_are_hardly_fetched_ahead() {
        assert_eq!(pace(0.0).wanted(16, 0, 5000), 16);
        assert_eq!(pace(16.0).wanted(3, 0, 5000), 4);
        assert_eq!(pace(16.0).wanted(0, 1, 5000), 0);
    }

    #[test]
    fn fast_jobs_are_fetched_in_bulk_before_they_run_out() {
        assert_eq!(pace(20_000.0).wanted(0, 0, 5000), 2000);
        assert_eq!(pace(20_000.0).wanted(0, 1500, 5000), 0);
        assert_eq!(pace(20_000.0).wanted(0, 900, 5000), 1100);
        assert_eq!(pace(900_000.0).wanted(16, 0, 5000), 5016);
        assert_eq!(pace(900_000.0).wanted(16, 0, 0), 16);
    }

    #[test]
    fn follows_the_jobs() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.note(start + Duration::from_secs(1), 1000);
        assert!((pace.per_second - 500.0).abs() < 1.0);
        pace.note(start + Duration::from_secs(2), 2000);
        assert!((pace.per_second - 750.0).abs() < 1.0);
    }
}
