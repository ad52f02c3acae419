//! The outcomes and latencies of requests.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;

/// Two digits of a duration are enough to compare; a histogram of them is small.
const DIGITS: u8 = 2;
/// Nothing is waited for longer than this, in microseconds.
const LONGEST_US: u64 = 60_000_000;

/// What was seen of many requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Good answers.
    pub good: u64,
    /// Everything else, by what went wrong.
    pub failures: BTreeMap<String, u64>,
    /// The longest time that one request took.
    pub slowest: Duration,
    /// In microseconds.
    took: Histogram<u64>,
}

impl Default for Seen {
    fn default() -> Self {
        let took = Histogram::new_with_max(LONGEST_US, DIGITS).expect("these bounds are possible");
        Self { good: 0, failures: BTreeMap::new(), slowest: Duration::ZERO, took }
    }
}

impl Seen {
    /// Counts one request; without a `failure` it was answered well.
    pub fn count(&mut self, took: Duration, failure: Option<&str>) {
        self.took.saturating_record(u64::try_from(took.as_micros()).unwrap_or(LONGEST_US));
        self.slowest = self.slowest.max(took);
        match failure {
            None => self.good += 1,
            Some(reason) => *self.failures.entry(reason.to_owned()).or_default() += 1,
        }
    }

    /// Adds what was seen elsewhere, or earlier.
    pub fn add(&mut self, other: &Self) {
        self.good += other.good;
        for (reason, count) in &other.failures {
            *self.failures.entry(reason.clone()).or_default() += count;
        }
        self.slowest = self.slowest.max(other.slowest);
        self.took.add(&other.took).expect("all have the same bounds");
    }

    /// How many requests failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// How many there were.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.good + self.failed()
    }

    /// How many requests took longer than this, as far as two digits tell.
    #[must_use]
    pub fn slower_than(&self, limit: Duration) -> u64 {
        let limit = u64::try_from(limit.as_micros()).unwrap_or(LONGEST_US).min(LONGEST_US);
        self.took.len() - self.took.count_between(0, limit)
    }

    /// The time within which so many of a hundred requests were over, to two digits.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Duration {
        Duration::from_micros(self.took.value_at_quantile(percent / 100.0)).min(self.slowest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_with_their_times_and_added_up() {
        let mut seen = Seen::default();
        assert_eq!((seen.all(), seen.percentile(99.0)), (0, Duration::ZERO));
        for milliseconds in 1..=98 {
            seen.count(Duration::from_millis(milliseconds), None);
        }
        let mut more = Seen::default();
        more.count(Duration::from_secs(9), Some("refused"));
        more.count(Duration::from_secs(90), Some("refused"));
        seen.add(&more);
        assert_eq!((seen.good, seen.failed(), seen.all()), (98, 2, 100));
        assert_eq!(seen.failures["refused"], 2);
        let half = seen.percentile(50.0).as_secs_f64();
        assert!((0.049..0.052).contains(&half), "{half}");
        assert!(seen.percentile(99.0) >= Duration::from_secs(9));
        assert_eq!(seen.slowest, Duration::from_secs(90));
        assert_eq!(seen.slower_than(Duration::from_secs(1)), 2);
        assert_eq!(seen.slower_than(Duration::from_secs(100)), 0);
    }
}
