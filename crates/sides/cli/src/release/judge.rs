//! Whether the new builds do worse than those before them. Figures in, a reason to go back out.

use std::time::{Duration, Instant};

use platform::prober::Seen;

/// How long requests are collected before their times are judged.
const WINDOW: Duration = Duration::from_secs(2);
/// Fewer answers than these say nothing of how long they take.
const LEAST: u64 = 10;
/// So many slow windows in a row: one alone may be the machine's.
const IN_A_ROW: u32 = 2;
/// Faster than this is fast enough, whatever was before: for one half of the answers, and for 99 of 100.
const FAST: [(f64, Duration); 2] = [(50.0, Duration::from_millis(250)), (99.0, Duration::from_secs(1))];
/// A web that failed before may go on failing as often, and this much oftener.
const SLACK: f64 = 0.05;
/// So many attempts at least must have failed before a worker is blamed.
const LEAST_ATTEMPTS: i64 = 5;

/// Judges web by what the prober saw of the one before it.
pub(super) struct Judge {
    before: Seen,
    /// How many times as long as before an answer may take; none when that does not matter.
    slower: Option<f64>,
    window: Seen,
    window_since: Instant,
    slow_windows: u32,
}

impl Judge {
    pub(super) fn new(before: Seen, slower: Option<f64>) -> Self {
        let (window, window_since) = (Seen::default(), Instant::now());
        Self { before, slower, window, window_since, slow_windows: 0 }
    }

    /// Takes what was seen since the last call.
    pub(super) fn see(&mut self, lap: &Seen) -> Option<String> {
        self.see_at(lap, Instant::now())
    }

    fn see_at(&mut self, lap: &Seen, now: Instant) -> Option<String> {
        if lap.failed() > 0 && self.before.failed() == 0 {
            return Some(failing(lap));
        }
        self.window.add(lap);
        if now - self.window_since < WINDOW || self.window.all() < LEAST {
            return None;
        }
        let window = std::mem::take(&mut self.window);
        self.window_since = now;
        if share(&window) > share(&self.before) + SLACK {
            return Some(format!("{}, oftener than before the release", failing(&window)));
        }
        let slow = self.slow(&window);
        self.slow_windows = if slow.is_some() { self.slow_windows + 1 } else { 0 };
        slow.filter(|_| self.slow_windows >= IN_A_ROW)
    }

    fn slow(&self, window: &Seen) -> Option<String> {
        let slower = self.slower.filter(|_| self.before.all() >= LEAST)?;
        FAST.iter().find_map(|(percent, fast)| {
            let (before, now) = (self.before.percentile(*percent), window.percentile(*percent));
            let limit = before.mul_f64(slower).max(*fast);
            let ms = |time: Duration| time.as_millis();
            (now > limit).then(|| {
                format!(
                    "web became slow: {percent} % of its answers take up to {} ms, before the release {} ms (--slower {slower} \
                     allows {} ms)",
                    ms(now),
                    ms(before),
                    ms(limit)
                )
            })
        })
    }
}

fn failing(seen: &Seen) -> String {
    let why: Vec<&str> = seen.failures.keys().map(String::as_str).collect();
    format!("{} of {} requests failed: {}", seen.failed(), seen.all(), why.join(", "))
}

fn share(seen: &Seen) -> f64 {
    if seen.all() == 0 { 0.0 } else { seen.failed() as f64 / seen.all() as f64 }
}

/// Attempts at jobs that a release has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Attempts {
    pub(super) all: i64,
    pub(super) failed: i64,
}

/// Why the new release of a process that works jobs is worse than the old one, if it is.
pub(super) fn blame(process: &str, old: Attempts, new: Attempts) -> Option<String> {
    let share = |attempts: Attempts| attempts.failed as f64 / attempts.all.max(1) as f64;
    let is_worse = new.failed >= LEAST_ATTEMPTS && share(new) > 0.5 && share(new) > 2.0 * share(old);
    is_worse.then(|| {
        format!(
            "the new {process} failed at {} of {} jobs, the old one at {} of {}",
            new.failed, new.all, old.failed, old.all
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(good: u64, failed: u64, milliseconds: u64) -> Seen {
        let mut seen = Seen::default();
        let took = Duration::from_millis(milliseconds);
        (0..good).for_each(|_| seen.count(took, None));
        (0..failed).for_each(|_| seen.count(took, Some("answered 500")));
        seen
    }

    /// What is said when the same is seen for four windows.
    fn said(before: Seen, lap: &Seen) -> Option<String> {
        let mut judge = Judge::new(before, Some(3.0));
        let begun = judge.window_since;
        (1..=4_u32).find_map(|number| judge.see_at(lap, begun + WINDOW * number))
    }

    #[test]
    fn one_failed_request_is_too_many_unless_they_failed_before() {
        assert_eq!(said(seen(99, 0, 3), &seen(99, 1, 3)).unwrap(), "1 of 100 requests failed: answered 500");
        assert_eq!(said(seen(50, 50, 3), &seen(52, 48, 3)), None, "it does not get worse");
        assert!(
            said(seen(50, 50, 3), &seen(20, 80, 3)).unwrap().ends_with("oftener than before the release")
        );
    }

    #[test]
    fn slow_is_slower_than_before_and_slower_than_fast_enough_for_a_while() {
        assert_eq!(said(seen(100, 0, 3), &seen(100, 0, 200)), None, "fast enough for anybody");
        assert_eq!(said(seen(100, 0, 300), &seen(100, 0, 800)), None, "it always was slow");
        let slow = said(seen(100, 0, 3), &seen(100, 0, 500)).unwrap();
        assert!(slow.starts_with("web became slow: 50 % of its answers take up to 50"), "{slow}");
        let mut some = seen(90, 0, 3);
        some.add(&seen(10, 0, 2000));
        assert!(said(seen(100, 0, 3), &some).unwrap().contains("99 % of its answers"));
        assert_eq!(said(seen(100, 0, 3), &seen(9, 0, 9000)).map(|_| ()), Some(()), "few, but in time enough");
        assert_eq!(said(seen(5, 0, 3), &seen(100, 0, 900)), None, "nobody knows how it was before");
        let mut judge = Judge::new(seen(100, 0, 3), Some(3.0));
        let begun = judge.window_since;
        for number in 1..10_u32 {
            let lap = seen(20, 0, if number % 2 == 0 { 900 } else { 3 });
            assert_eq!(judge.see_at(&lap, begun + WINDOW * number), None, "the machine was busy for once");
        }
        let mut judge = Judge::new(seen(100, 0, 3), None);
        assert_eq!(judge.see_at(&seen(100, 0, 9000), begun + WINDOW * 9), None, "nobody wants to know");
    }

    #[test]
    fn a_worker_is_blamed_for_what_its_predecessor_could_do() {
        let attempts = |all, failed| Attempts { all, failed };
        assert_eq!(blame("worker", attempts(100, 2), attempts(4, 4)), None, "too few to say");
        assert_eq!(blame("worker", attempts(10, 6), attempts(10, 7)), None, "the old one could not either");
        let blamed = blame("worker", attempts(100, 2), attempts(6, 5)).unwrap();
        assert_eq!(blamed, "the new worker failed at 5 of 6 jobs, the old one at 2 of 100");
    }
}
