//! Whether a process that is down may be restarted now. Pure, with the time given.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

const HOUR: TimeDelta = TimeDelta::hours(1);

/// How often one process may be restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) per_hour: usize,
    /// Between the first restart and the second; it doubles with every further one.
    pub(crate) first_pause: Duration,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Now,
    /// The last restart was not long ago: it may still help.
    Wait(DateTime<Utc>),
    /// So many did not help; more would only hide it. Until then people have to.
    Spent(DateTime<Utc>),
}

impl Budget {
    /// An instance may take a minute until it is ready.
    pub(crate) fn of(per_hour: usize) -> Self {
        Self { per_hour, first_pause: Duration::from_secs(30) }
    }

    /// Decides with the moments of the restarts within the last hour, oldest first.
    pub(crate) fn decide(&self, before: &[DateTime<Utc>], now: DateTime<Utc>) -> Verdict {
        let before: Vec<_> = before.iter().copied().filter(|at| *at > now - HOUR).collect();
        let Some(last) = before.last() else {
            return if self.per_hour == 0 { Verdict::Spent(now + HOUR) } else { Verdict::Now };
        };
        if before.len() >= self.per_hour {
            return Verdict::Spent(before[before.len() - self.per_hour.max(1)] + HOUR);
        }
        let doublings = u32::try_from(before.len() - 1).unwrap_or(u32::MAX).min(10);
        let again_at = *last + self.first_pause * 2_u32.pow(doublings);
        if now >= again_at { Verdict::Now } else { Verdict::Wait(again_at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    /// When restarts happen for a process that none of them helps.
    fn restarts(budget: Budget, until: i64) -> Vec<i64> {
        let mut before = Vec::new();
        (0..until)
            .filter(|second| {
                let is_now = budget.decide(&before, at(*second)) == Verdict::Now;
                before.extend(is_now.then(|| at(*second)));
                is_now
            })
            .collect()
    }

    #[test]
    fn the_pause_doubles_and_the_budget_ends() {
        assert_eq!(restarts(Budget::of(6), 3_600), [0, 30, 90, 210, 450, 930]);
        assert_eq!(restarts(Budget::of(2), 3_700), [0, 30, 3_600, 3_630]);
        assert_eq!(restarts(Budget::of(0), 3_600), Vec::<i64>::new());
    }

    #[test]
    fn a_spent_budget_says_until_when() {
        let budget = Budget::of(2);
        assert_eq!(budget.decide(&[at(0), at(30)], at(40)), Verdict::Spent(at(3_600)));
        assert_eq!(budget.decide(&[at(0)], at(10)), Verdict::Wait(at(30)));
        assert_eq!(budget.decide(&[at(0), at(30)], at(3_601)), Verdict::Now);
    }
}
