//! Whether the new builds do worse than those before them. Figures in, a reason to go back out.
//!
//! Slow is not a number of milliseconds. What is seen of the new build is compared with what was seen of the one before
//! it: more of its answers than before must lie behind a limit, by a difference that is hardly chance, and far enough to
//! be felt. What the machine itself has become slower by meanwhile (see `machine`) widens the limit, as that is nobody's
//! fault.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use platform::prober::Seen;

use super::chance;

/// How long requests are collected before their times are judged.
const WINDOW: Duration = Duration::from_secs(2);
/// Fewer answers than these say nothing of how long they take.
const LEAST: u64 = 10;
/// So many slow windows in a row: fewer may be the machine's.
const IN_A_ROW: u32 = 3;
/// The quantiles that are compared, and how much longer an answer must take, at least, to be felt.
const FELT: [(f64, Duration); 2] = [(50.0, Duration::from_millis(100)), (99.0, Duration::from_millis(500))];
const SILENT: &str = "web answers nothing: requests wait longer than they were watched";
/// How often a request and its answer wait for the machine, beside one that only crosses it: client, web, database, and
/// the ways between them.
const WAITS: u32 = 8;
/// How many standard deviations a difference of shares must have: less than one in a million is chance.
const SIGMAS: f64 = 5.0;
/// A web that failed before may go on failing as often, and this much more often.
const SLACK: f64 = 0.05;
/// So many attempts at least must have failed before a worker is blamed.
const LEAST_ATTEMPTS: u64 = 5;
/// A share of failures that is greater by this much matters, if it is hardly chance.
const MORE_FAILURES: f64 = 0.1;
/// What is likelier than this may be chance: jobs of many kinds are looked at each second.
const CHANCE: f64 = 1e-6;

/// A build that is worse than the one before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(super) struct Blame {
    /// The process.
    pub(super) process: String,
    /// What it did.
    pub(super) reason: String,
}

/// What was seen of web and of the machine in the same time.
#[derive(Debug, Clone, Default)]
pub(super) struct Lap {
    pub(super) web: Seen,
    pub(super) machine: Seen,
}

/// Judges web by what the prober saw of the one before it.
pub(super) struct Judge {
    before: Lap,
    /// How many times as long as before an answer may take; none when that does not matter.
    slower: Option<f64>,
    window: Lap,
    window_since: Instant,
    slow_windows: u32,
    /// How many answers of the new one were seen.
    answers: u64,
}

impl Judge {
    pub(super) fn new(before: Lap, slower: Option<f64>) -> Self {
        let (window, window_since) = (Lap::default(), Instant::now());
        Self { before, slower, window, window_since, slow_windows: 0, answers: 0 }
    }

    /// Takes what was seen since the last call.
    pub(super) fn see(&mut self, lap: &Lap) -> Option<String> {
        self.see_at(lap, Instant::now())
    }

    /// Starts over: what was seen so far had a reason of its own.
    pub(super) fn forget(&mut self) {
        (self.window, self.window_since, self.slow_windows) = (Lap::default(), Instant::now(), 0);
    }

    /// Whether what was seen last looks slow, and was not seen for long enough to be blamed: a watch does not end on that.
    pub(super) fn suspects(&self) -> bool {
        self.suspects_at(Instant::now())
    }

    /// What is to be said when a suspicion was neither confirmed nor lifted.
    pub(super) fn unsettled(&self) -> Option<String> {
        self.slow(&self.window).or_else(|| self.is_silent(Instant::now()).then(|| SILENT.to_owned()))
    }

    fn suspects_at(&self, now: Instant) -> bool {
        self.slow_windows > 0 || self.slow(&self.window).is_some() || self.is_silent(now)
    }

    /// Whether a web that did answer does not any more.
    fn is_silent(&self, now: Instant) -> bool {
        let matters = self.slower.is_some() && self.answers >= LEAST;
        matters && self.window.web.all() == 0 && now - self.window_since >= WINDOW
    }

    fn see_at(&mut self, lap: &Lap, now: Instant) -> Option<String> {
        if lap.web.failed() > 0 && self.before.web.failed() == 0 {
            return Some(failing(&lap.web));
        }
        self.answers += lap.web.all();
        self.window.web.add(&lap.web);
        self.window.machine.add(&lap.machine);
        if now - self.window_since < WINDOW || self.window.web.all() < LEAST {
            return None;
        }
        let window = std::mem::take(&mut self.window);
        self.window_since = now;
        if share(&window.web) > share(&self.before.web) + SLACK {
            return Some(format!("{}, more often than before the release", failing(&window.web)));
        }
        let slow = self.slow(&window);
        self.slow_windows = if slow.is_some() { self.slow_windows + 1 } else { 0 };
        slow.filter(|_| self.slow_windows >= IN_A_ROW)
    }

    fn slow(&self, window: &Lap) -> Option<String> {
        let slower = self.slower.filter(|_| self.before.web.all() >= LEAST)?;
        FELT.iter().find_map(|&(percent, felt)| {
            let (before, now) = (self.before.web.percentile(percent), window.web.percentile(percent));
            let machine = window.machine.percentile(percent).saturating_sub(self.before.machine.percentile(percent));
            let limit = before.mul_f64(slower).max(before + felt) + machine * WAITS;
            let sigmas = difference(&self.before.web, &window.web, limit);
            let ms = |time: Duration| time.as_millis();
            (now > limit && sigmas >= SIGMAS).then(|| {
                format!(
                    "web became slow: {percent} % of its answers take up to {} ms, before the release {} ms; --slower \
                     {slower} allows {} ms, of which the busier machine has {} (a difference of {sigmas:.0} standard \
                     deviations, in {} answers)",
                    ms(now),
                    ms(before),
                    ms(limit),
                    ms(machine * WAITS),
                    window.web.all()
                )
            })
        })
    }
}

/// By how many standard deviations the share of answers behind `limit` has grown: the test of two proportions.
fn difference(before: &Seen, now: &Seen, limit: Duration) -> f64 {
    let (all_before, all_now) = (before.all().max(1) as f64, now.all().max(1) as f64);
    let (slow_before, slow_now) = (before.slower_than(limit) as f64, now.slower_than(limit) as f64);
    let both = (slow_before + slow_now) / (all_before + all_now);
    let deviation = (both * (1.0 - both) * (1.0 / all_before + 1.0 / all_now)).sqrt();
    let grown = slow_now / all_now - slow_before / all_before;
    match () {
        () if grown <= 0.0 => 0.0,
        () if deviation > 0.0 => grown / deviation,
        () => f64::INFINITY,
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
    pub(super) all: u64,
    pub(super) failed: u64,
}

/// Those of one release by the kind of job; of jobs that nobody knows any more, by an empty one.
pub(super) type ByKind = BTreeMap<String, Attempts>;

/// Why the new release of a process that works jobs is worse than the old one, if it is: at all of them, or at those of
/// one kind.
pub(super) fn blame(process: &str, old: &ByKind, new: &ByKind) -> Option<String> {
    let said = |what: &str, old: Attempts, new: Attempts| {
        format!(
            "the new {process} failed at {} of {} {what}, the old one at {} of {}",
            new.failed, new.all, old.failed, old.all
        )
    };
    let (all_old, all_new) = (total(old), total(new));
    if is_worse(all_old, all_new) {
        return Some(said("jobs", all_old, all_new));
    }
    new.iter().find_map(|(kind, new)| {
        let old = old.get(kind).copied().unwrap_or_default();
        is_worse(old, *new).then(|| said(&format!("jobs of the kind {kind:?}"), old, *new))
    })
}

fn total(attempts: &ByKind) -> Attempts {
    let add =
        |sum: Attempts, one: &Attempts| Attempts { all: sum.all + one.all, failed: sum.failed + one.failed };
    attempts.values().fold(Attempts::default(), add)
}

/// Most failed, and more than twice as many as before; or more than before, by a difference that is not chance.
fn is_worse(old: Attempts, new: Attempts) -> bool {
    let share = |attempts: Attempts| attempts.failed as f64 / attempts.all.max(1) as f64;
    let (was, is) = (share(old), share(new));
    let most_fail = is > 0.5 && is > 2.0 * was;
    let more_fail = old.all > 0
        && is > was + MORE_FAILURES
        && chance::of(old.all, old.failed, new.all, new.failed) < CHANCE;
    new.failed >= LEAST_ATTEMPTS && (most_fail || more_fail)
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

    /// On a machine that is as it was.
    fn lap(web: Seen) -> Lap {
        Lap { web, machine: seen(10, 0, 0) }
    }

    /// What is said when the same is seen for four windows.
    fn said(before: Lap, now: &Lap) -> Option<String> {
        let mut judge = Judge::new(before, Some(3.0));
        let begun = judge.window_since;
        (1..=4_u32).find_map(|number| judge.see_at(now, begun + WINDOW * number))
    }

    fn of_web(before: Seen, now: Seen) -> Option<String> {
        said(lap(before), &lap(now))
    }

    #[test]
    fn one_failed_request_is_too_many_unless_they_failed_before() {
        assert_eq!(of_web(seen(99, 0, 3), seen(99, 1, 3)).unwrap(), "1 of 100 requests failed: answered 500");
        assert_eq!(of_web(seen(50, 50, 3), seen(52, 48, 3)), None, "it does not get worse");
        assert!(
            of_web(seen(50, 50, 3), seen(20, 80, 3)).unwrap().ends_with("more often than before the release")
        );
    }

    #[test]
    fn slow_is_slower_than_before_by_what_is_felt_for_a_while() {
        assert_eq!(of_web(seen(100, 0, 3), seen(100, 0, 90)), None, "fast enough for anybody");
        assert_eq!(of_web(seen(100, 0, 300), seen(100, 0, 800)), None, "it always was slow");
        let slow = of_web(seen(100, 0, 3), seen(100, 0, 500)).unwrap();
        assert!(slow.starts_with("web became slow: 50 % of its answers take up to 50"), "{slow}");
        let mut some = seen(90, 0, 3);
        some.add(&seen(10, 0, 2000));
        assert_eq!(of_web(some.clone(), some.clone()), None, "some always were slow");
        some.add(&seen(30, 0, 2000));
        assert!(of_web(seen(400, 0, 3), some).unwrap().contains("99 % of its answers"));
        assert_eq!(of_web(seen(5, 0, 3), seen(100, 0, 900)), None, "nobody knows how it was before");
        let mut judge = Judge::new(lap(seen(100, 0, 3)), Some(3.0));
        let begun = judge.window_since;
        for number in 1..10_u32 {
            let now = lap(seen(20, 0, if number % 3 == 0 { 3 } else { 900 }));
            assert_eq!(judge.see_at(&now, begun + WINDOW * number), None, "the machine was busy for once");
        }
        let mut judge = Judge::new(lap(seen(100, 0, 3)), None);
        assert_eq!(judge.see_at(&lap(seen(100, 0, 9000)), begun + WINDOW * 9), None, "nobody wants to know");
    }

    #[test]
    fn a_slow_web_is_suspected_before_it_is_blamed() {
        let mut judge = Judge::new(lap(seen(100, 0, 3)), Some(3.0));
        let begun = judge.window_since;
        let at = |windows: f64| begun + WINDOW.mul_f64(windows);
        assert_eq!((judge.see_at(&lap(seen(40, 0, 3)), at(1.0)), judge.suspects_at(at(1.0))), (None, false));
        assert_eq!((judge.see_at(&lap(seen(3, 0, 1500)), at(1.5)), judge.suspects_at(at(1.5))), (None, true));
        assert!(judge.unsettled().unwrap().starts_with("web became slow"));
        assert_eq!(judge.see_at(&lap(seen(7, 0, 1500)), at(2.0)), None);
        assert!(judge.suspects_at(at(2.0)), "a whole window was slow");
        assert_eq!((judge.see_at(&lap(seen(40, 0, 3)), at(3.0)), judge.suspects_at(at(3.0))), (None, false));
        assert!(!judge.suspects_at(at(3.9)) && judge.suspects_at(at(4.0)), "nobody is answered");
        let unnamed = Judge::new(lap(seen(100, 0, 3)), Some(3.0));
        assert!(!unnamed.suspects_at(at(9.0)), "a web whose answers do not say who answered was never seen");
        let mut any = Judge::new(lap(seen(100, 0, 3)), None);
        any.see_at(&lap(seen(20, 0, 900)), at(1.0));
        assert!(!any.suspects_at(at(9.0)), "nobody wants to know");
    }

    #[test]
    fn one_slow_answer_is_no_difference() {
        let mut one = seen(99, 0, 3);
        one.add(&seen(2, 0, 3000));
        assert_eq!(of_web(seen(100, 0, 3), one), None, "two of a hundred may be chance");
    }

    #[test]
    fn what_the_machine_has_become_slower_by_is_nobodys_fault() {
        let busy = Lap { web: seen(100, 0, 251), machine: seen(10, 0, 25) };
        assert_eq!(said(lap(seen(100, 0, 8)), &busy), None);
        let slow = Lap { web: seen(100, 0, 2000), ..busy };
        assert!(said(lap(seen(100, 0, 8)), &slow).unwrap().contains("of which the busier machine has 200"));
    }

    fn of_kinds(kinds: &[(&str, u64, u64)]) -> ByKind {
        kinds
            .iter()
            .map(|(kind, all, failed)| ((*kind).to_owned(), Attempts { all: *all, failed: *failed }))
            .collect()
    }

    #[test]
    fn a_worker_is_blamed_for_what_its_predecessor_could_do() {
        let blame = |old: (u64, u64), new: (u64, u64)| {
            blame("worker", &of_kinds(&[("a", old.0, old.1)]), &of_kinds(&[("a", new.0, new.1)]))
        };
        assert_eq!(blame((100, 2), (4, 4)), None, "too few to say");
        assert_eq!(blame((10, 6), (10, 7)), None, "the old one could not either");
        assert_eq!(blame((1000, 50), (100, 9)), None, "hardly more than before");
        let blamed = blame((100, 2), (6, 5)).unwrap();
        assert_eq!(blamed, "the new worker failed at 5 of 6 jobs, the old one at 2 of 100");
        assert!(blame((2000, 20), (400, 80)).is_some(), "one of five is no chance");
    }

    #[test]
    fn one_kind_that_fails_is_not_hidden_by_others_that_do_not() {
        let old = of_kinds(&[("mail", 40, 1), ("ping", 5000, 3)]);
        let new = of_kinds(&[("mail", 6, 6), ("ping", 900, 1)]);
        let blamed = blame("worker", &old, &new).unwrap();
        let expected = "the new worker failed at 6 of 6 jobs of the kind \"mail\", the old one at 1 of 40";
        assert_eq!(blamed, expected);
        assert_eq!(blame("worker", &old, &of_kinds(&[("mail", 6, 1), ("ping", 900, 1)])), None);
    }
}
