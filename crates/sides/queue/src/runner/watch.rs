//! Which runners are dead, by their sessions.
//!
//! A runner holds an advisory lock in a session that lives as long as it does, and Postgres ends that session within
//! moments when its process is killed. Every runner looks at the locks of the others, and takes for dead who had one at
//! its last renewal and has had none for a while. One that only lost its connection takes its lock again within moments;
//! one that is stopped, or cut off without a word, keeps its session and so its lease.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use uuid::Uuid;

/// How often to look.
const EVERY: Duration = Duration::from_millis(500);
/// All runners together look no more often than once in this time, however many they are.
const EVERY_OF_ALL: Duration = Duration::from_millis(50);
/// A runner that lost its session has so long to take its lock again.
const CONFIRM: Duration = Duration::from_millis(1200);

/// A runner with a lease, whose lock the server had seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) runner: Uuid,
    /// The end of its lease, in Postgres' words: another one after each renewal.
    pub(crate) lease: String,
    pub(crate) is_held: bool,
    /// It has renewed its lease without the lock, and so said that it lives.
    pub(crate) is_excused: bool,
}

/// What one runner remembers of the others from one look to the next.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Whose lock is missing, since when, and its lease at that time.
    missing: HashMap<Uuid, (Instant, String)>,
    next: Instant,
}

impl Watch {
    pub(crate) fn new(now: Instant) -> Self {
        Self { missing: HashMap::new(), next: now }
    }

    /// When to look again.
    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// A look that failed shows nothing.
    pub(crate) fn failed(&mut self, now: Instant) {
        self.next = now + EVERY;
    }

    /// Notes what was seen, and answers who is dead. `luck` is anything from 0 to 1: many runners should not all look at
    /// the same moment.
    pub(crate) fn note(&mut self, now: Instant, seen: &[Seen], luck: f64) -> Vec<Seen> {
        let all = u32::try_from(seen.len()).unwrap_or(u32::MAX);
        let regular = now + EVERY.max(EVERY_OF_ALL * all).mul_f64(0.75 + luck / 4.0);
        let gone: Vec<&Seen> = seen.iter().filter(|seen| !seen.is_held).collect();
        // When most vanish together it is the way to them that broke: their leases decide. Once it is mended they come back
        // one after another, and each has its time for that.
        if gone.len() * 2 > seen.len() {
            self.missing.clear();
            self.next = regular;
            return Vec::new();
        }
        let mut missing = HashMap::with_capacity(gone.len());
        for seen in &gone {
            // Whoever has renewed its lease since was alive then.
            let before = self.missing.remove(&seen.runner).filter(|(_, lease)| *lease == seen.lease);
            missing.insert(seen.runner, before.unwrap_or_else(|| (now, seen.lease.clone())));
        }
        self.missing = missing;
        let confirms = self.missing.values().map(|(since, _)| *since + CONFIRM).filter(|at| *at > now);
        self.next = confirms.fold(regular, Instant::min);
        let is_dead = |seen: &&&Seen| {
            let since = self.missing.get(&seen.runner).map(|(since, _)| *since);
            !seen.is_excused && since.is_some_and(|since| now.duration_since(since) >= CONFIRM)
        };
        gone.iter().filter(is_dead).map(|seen| (*seen).clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runners by number, each with the number of its lease and whether its lock is held.
    fn seen(runners: &[(u128, u32, bool)]) -> Vec<Seen> {
        let seen = |(runner, lease, is_held): &(u128, u32, bool)| Seen {
            runner: Uuid::from_u128(*runner),
            lease: lease.to_string(),
            is_held: *is_held,
            is_excused: false,
        };
        runners.iter().map(seen).collect()
    }

    fn numbers(dead: &[Seen]) -> Vec<u128> {
        dead.iter().map(|seen| seen.runner.as_u128()).collect()
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_lock_that_stays_away_is_a_death_within_two_seconds() {
        let start = Instant::now();
        for luck in [0.0, 0.5, 1.0] {
            let mut watch = Watch::new(start);
            assert!(watch.note(start, &seen(&[(1, 1, true), (2, 1, true)]), luck).is_empty());
            // It dies just after that look.
            let gone = seen(&[(1, 1, true), (2, 1, false)]);
            let first = watch.next();
            assert!(watch.note(first, &gone, luck).is_empty());
            let dead = loop {
                let now = watch.next();
                let dead = watch.note(now, &gone, luck);
                if !dead.is_empty() {
                    assert!(now >= first + CONFIRM && now <= start + millis(1700), "{:?}", now - start);
                    break dead;
                }
            };
            assert_eq!(numbers(&dead), [2]);
        }
    }

    #[test]
    fn whoever_comes_back_or_renews_its_lease_was_alive() {
        let start = Instant::now();
        let (here, gone) = (seen(&[(1, 1, true), (2, 1, true)]), seen(&[(1, 1, true), (2, 1, false)]));
        let renewed = seen(&[(1, 1, true), (2, 2, false)]);
        for between in [&here, &renewed] {
            let mut watch = Watch::new(start);
            watch.note(start, &gone, 0.0);
            watch.note(start + millis(1100), between, 0.0);
            let last = if between == &here { &gone } else { between };
            assert!(watch.note(start + millis(1300), last, 0.0).is_empty());
            assert_eq!(numbers(&watch.note(start + millis(2500), last, 0.0)), [2]);
        }
        // Who is not judged at the moment is forgotten.
        let mut watch = Watch::new(start);
        watch.note(start, &gone, 0.0);
        watch.note(start + millis(600), &seen(&[(1, 1, true)]), 0.0);
        assert!(watch.note(start + millis(1300), &gone, 0.0).is_empty());
    }

    #[test]
    fn when_most_vanish_together_nobody_is_dead() {
        let start = Instant::now();
        let dead = |runners: &[(u128, u32, bool)]| {
            let mut watch = Watch::new(start);
            watch.note(start, &seen(runners), 0.0);
            numbers(&watch.note(start + CONFIRM, &seen(runners), 0.0))
        };
        assert_eq!(dead(&[(1, 1, true), (2, 1, false)]), [2]);
        assert_eq!(dead(&[(1, 1, true), (2, 1, true), (3, 1, false), (4, 1, false)]), [3, 4]);
        assert!(dead(&[(1, 1, true), (2, 1, false), (3, 1, false)]).is_empty());
        assert!(dead(&[(2, 1, false)]).is_empty());
        // Also those that could still say that they live.
        let mut three = seen(&[(1, 1, true), (2, 1, false), (3, 1, false)]);
        three[1].is_excused = true;
        let mut watch = Watch::new(start);
        watch.note(start, &three, 0.0);
        assert!(watch.note(start + CONFIRM, &three, 0.0).is_empty());
        // One of them comes back: the others have their time from then on.
        three.push(seen(&[(4, 1, true)])[0].clone());
        let back = start + CONFIRM * 2;
        assert!(watch.note(back, &three, 0.0).is_empty());
        assert!(watch.note(back + CONFIRM - millis(1), &three, 0.0).is_empty());
        assert_eq!(numbers(&watch.note(back + CONFIRM, &three, 0.0)), [3]);
    }

    #[test]
    fn many_runners_look_less_often_each() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        let many: Vec<_> = (0..100).map(|runner| (runner, 1, true)).collect();
        watch.note(start, &seen(&many), 0.0);
        assert_eq!(watch.next() - start, millis(3750));
        watch.failed(start);
        assert_eq!(watch.next() - start, EVERY);
        // Whose lock is missing is looked at in time, whoever else there is.
        let mut one_gone = many.clone();
        one_gone[7].2 = false;
        watch.note(start, &seen(&one_gone), 0.0);
        assert_eq!(watch.next() - start, CONFIRM);
        // Not again and again when it cannot be told.
        let all_gone: Vec<_> = (0..100).map(|runner| (runner, 1, false)).collect();
        watch.note(start, &seen(&all_gone), 0.0);
        watch.note(start + millis(5000), &seen(&all_gone), 0.0);
        assert_eq!(watch.next() - start, millis(8750));
    }
}
