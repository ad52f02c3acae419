//! Judges what was written down. Pure, and apart from anything that the queue says of itself.

use std::collections::{BTreeMap, HashMap, HashSet};

/// Microseconds since 1970, as every clock of one machine has them.
pub(super) type Time = i64;

/// One start of one job, as its worker wrote it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) worker: usize,
    pub(super) number: u32,
    pub(super) job: String,
    pub(super) start: Time,
    pub(super) end: Option<Time>,
}

/// What the test did to a worker, or saw the machine do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blow {
    /// It is dead from here on.
    Killed(Time),
    /// It stood still, or could not reach the database, from here to there.
    Hindered(Time, Time),
}

/// Everything that the test itself knows.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The jobs by number; `false` where the answer to the insert was lost, so that nobody knows.
    pub(super) enqueued: BTreeMap<u32, bool>,
    pub(super) runs: Vec<Run>,
    pub(super) blows: HashMap<usize, Vec<Blow>>,
    /// A worker that is hindered for less has no reason to lose its lease.
    pub(super) enough: Time,
}

impl History {
    /// What is wrong, in words. Empty when nothing is.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut of: BTreeMap<u32, Vec<&Run>> = BTreeMap::new();
        for run in &self.runs {
            of.entry(run.number).or_default().push(run);
        }
        let mut faults = Vec::new();
        for (number, runs) in &mut of {
            runs.sort_by_key(|run| run.start);
            if !self.enqueued.contains_key(number) {
                faults.push(format!("job {number} ran and was never enqueued"));
            }
            if runs.iter().all(|run| run.end.is_none()) {
                faults.push(format!("job {number} was started and never ended: {runs:?}"));
            }
            if runs.iter().any(|run| run.job != runs[0].job) {
                faults.push(format!("job {number} is two jobs: {runs:?}"));
            }
            for pair in runs.windows(2).filter(|pair| !self.is_excused(pair[0], pair[1])) {
                let blows = [self.blows.get(&pair[0].worker), self.blows.get(&pair[1].worker)];
                faults.push(format!(
                    "job {number} ran again although nothing had happened to its worker: {pair:?}, {blows:?}"
                ));
            }
        }
        let lost = self.enqueued.iter().filter(|(number, certain)| **certain && !of.contains_key(number));
        faults.extend(lost.map(|(number, _)| format!("job {number} was enqueued and never ran")));
        faults
    }

    /// Runs that were not the first of their job.
    pub(super) fn again(&self) -> usize {
        let jobs: HashSet<u32> = self.runs.iter().map(|run| run.number).collect();
        self.runs.len() - jobs.len()
    }

    /// Whether the first worker died, or was hindered for long enough, after it had begun and before the second began.
    fn is_excused(&self, first: &Run, second: &Run) -> bool {
        let killed = self.blows_to(first.worker).any(|blow| match blow {
            Blow::Killed(at) => (first.start..=second.start).contains(&at),
            Blow::Hindered(..) => false,
        });
        killed
            || self.hindered(first.worker, first.start, second.start) >= self.enough
            || self.is_late(second)
    }

    /// Whether this worker held the job before whoever ran it meanwhile, and was hindered before it could begin.
    fn is_late(&self, run: &Run) -> bool {
        self.hindered(run.worker, run.start - 20 * self.enough, run.start) >= self.enough
    }

    fn blows_to(&self, worker: usize) -> impl Iterator<Item = Blow> {
        self.blows.get(&worker).into_iter().flatten().copied()
    }

    /// For how long, counting the whole of what had begun before `from`: it may have cost the lease all the same.
    fn hindered(&self, worker: usize, from: Time, to: Time) -> Time {
        let mut spans: Vec<(Time, Time)> = self
            .blows_to(worker)
            .filter_map(|blow| match blow {
                Blow::Hindered(start, end) if end >= from && start <= to => Some((start, end.min(to))),
                _ => None,
            })
            .collect();
        spans.sort_unstable();
        let (mut total, mut until) = (0, Time::MIN);
        for (start, end) in spans {
            total += (end - start.max(until)).max(0);
            until = until.max(end);
        }
        total
    }
}

/// What one statement did to the row of a job, as a trigger of the test's own wrote it down in the same transaction.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) at: Time,
    /// Whose session it was; `None` is the test's.
    pub(super) worker: Option<usize>,
    pub(super) job: String,
    /// The runner that held the job, or holds it from now on.
    pub(super) owner: String,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Claimed,
    /// Given back, whatever for.
    Returned,
    /// Moved to the history.
    Over,
    /// Taken away from who is not heard of.
    Rescued,
}

/// A job that was taken away from the worker that held it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) worker: usize,
    pub(super) job: String,
    pub(super) claimed: Time,
    pub(super) at: Time,
    /// It came back to the same worker: nobody can tell its late word from its next one.
    pub(super) came_back: bool,
}

/// Which leases were lost, and what was done to jobs by who did not hold them.
pub(super) fn leases(changes: &[Change], runs: &[Run]) -> (Vec<Lost>, Vec<String>) {
    let mut holders: HashMap<&str, usize> = HashMap::new();
    let mut claims: HashMap<&str, (Time, &str)> = HashMap::new();
    let (mut lost, mut faults): (Vec<Lost>, _) = (Vec::new(), Vec::new());
    for change in changes {
        let (job, owner) = (change.job.as_str(), change.owner.as_str());
        if change.what == What::Claimed {
            let Some(worker) = change.worker else { continue };
            holders.insert(owner, worker);
            claims.insert(job, (change.at, owner));
            lost.iter_mut()
                .filter(|lost| lost.job == job && lost.worker == worker)
                .for_each(|lost| lost.came_back = true);
            continue;
        }
        let (Some((claimed, claimant)), Some(holder)) = (claims.remove(job), holders.get(owner).copied())
        else {
            faults.push(format!("nobody held this job: {change:?}"));
            continue;
        };
        if claimant != owner {
            faults.push(format!("{claimant} held the job, not {owner}: {change:?}"));
        }
        if change.what == What::Rescued {
            let (job, at) = (change.job.clone(), change.at);
            lost.push(Lost { worker: holder, job, claimed, at, came_back: false });
            continue;
        }
        if change.worker != Some(holder) {
            faults
                .push(format!("worker {holder} held the job, and another one had the last word: {change:?}"));
        }
        let did = |run: &&Run| run.worker == holder && run.job == job;
        let ended = |run: &Run| run.end.is_some_and(|end| (claimed..=change.at).contains(&end));
        if change.what == What::Over && !runs.iter().filter(did).any(ended) {
            faults
                .push(format!("a job is over that its holder had not ended since it claimed it: {change:?}"));
        }
    }
    (lost, faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(worker: usize, number: u32, start: Time, end: Option<Time>) -> Run {
        Run { worker, number, job: format!("job {number}"), start, end }
    }

    fn history(runs: &[Run], blows: &[(usize, Blow)]) -> History {
        let mut history = History { runs: runs.to_vec(), enough: 100, ..History::default() };
        history.enqueued.insert(1, true);
        blows.iter().for_each(|(worker, blow)| history.blows.entry(*worker).or_default().push(*blow));
        history
    }

    fn faults(runs: &[Run], blows: &[(usize, Blow)]) -> String {
        history(runs, blows).faults().join("; ")
    }

    #[test]
    fn what_is_lost_doubled_or_made_up_is_seen() {
        let once = run(0, 1, 10, Some(20));
        assert_eq!(faults(std::slice::from_ref(&once), &[]), "");
        assert!(faults(&[], &[]).contains("never ran"));
        assert!(faults(&[run(0, 1, 10, None)], &[]).contains("never ended"));
        assert!(faults(&[once.clone(), run(0, 2, 10, Some(20))], &[]).contains("never enqueued"));
        assert!(faults(&[once.clone(), run(1, 1, 30, Some(40))], &[]).contains("ran again"));
        let uncertain = History { enqueued: BTreeMap::from([(1, false)]), ..History::default() };
        assert_eq!(uncertain.faults(), Vec::<String>::new());
    }

    #[test]
    fn only_a_blow_to_the_same_worker_that_is_hard_enough_and_in_between_excuses() {
        let twice = [run(0, 1, 1000, Some(1010)), run(1, 1, 2000, Some(2010))];
        let good = |blow| faults(&twice, &[(0, blow)]).is_empty();
        assert!(good(Blow::Killed(1500)) && !good(Blow::Killed(900)) && !good(Blow::Killed(2100)));
        assert!(good(Blow::Hindered(900, 1050)) && good(Blow::Hindered(1900, 9999)));
        assert!(!good(Blow::Hindered(1100, 1150)) && !good(Blow::Hindered(1950, 9999)));
        assert!(!good(Blow::Hindered(100, 900)) && !good(Blow::Hindered(2100, 2900)));
        let blows = |pairs: &[(Time, Time)]| {
            let blows: Vec<_> = pairs.iter().map(|(from, to)| (0, Blow::Hindered(*from, *to))).collect();
            faults(&twice, &blows).is_empty()
        };
        assert!(blows(&[(1100, 1160), (1200, 1260)]) && !blows(&[(1100, 1160), (1110, 1170)]));
        assert!(!faults(&twice, &[(1, Blow::Killed(1500))]).is_empty());
        // The second one had held it before the first did.
        assert!(faults(&twice, &[(1, Blow::Hindered(800, 1900))]).is_empty());
        assert!(!faults(&twice, &[(1, Blow::Hindered(800, 880))]).is_empty());
    }

    fn change(at: Time, worker: usize, owner: &str, what: What) -> Change {
        Change { at, worker: Some(worker), job: "job 1".to_owned(), owner: owner.to_owned(), what }
    }

    #[test]
    fn a_word_of_who_lost_the_lease_is_seen() {
        use What::{Claimed, Over, Rescued, Returned};
        let runs = [run(0, 1, 10, Some(50)), run(1, 1, 35, Some(45))];
        let begin = [change(5, 0, "a", Claimed), change(20, 2, "a", Rescued), change(30, 1, "b", Claimed)];
        let judge = |last: &[Change]| leases(&[&begin, last].concat(), &runs);
        let (lost, faults) = judge(&[change(60, 1, "b", Over)]);
        let expected = Lost { worker: 0, job: "job 1".to_owned(), claimed: 5, at: 20, came_back: false };
        assert_eq!((lost, faults), (vec![expected], Vec::new()));
        let said = |last: &[Change]| judge(last).1.join("; ");
        assert!(said(&[change(60, 0, "b", Over)]).contains("another one had the last word"));
        assert!(said(&[change(60, 0, "b", Returned)]).contains("another one had the last word"));
        assert!(said(&[change(60, 0, "a", Over)]).contains("b held the job, not a"));
        assert!(said(&[change(40, 1, "b", Over)]).contains("had not ended"));
        assert!(said(&[change(60, 1, "b", Over), change(70, 0, "a", Over)]).contains("nobody held"));
        let (lost, _) = judge(&[change(50, 1, "b", Returned), change(55, 0, "a", Claimed)]);
        assert!(lost[0].came_back);
    }
}
