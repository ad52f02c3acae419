//! Turns the results of several rounds of probes into findings. Pure, with the time given.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

/// How one looked in one round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Observation {
    Well,
    /// It does not answer here, but somebody else has heard of it.
    Unreachable(String),
    /// It says itself that it is not well, or nobody hears of it.
    Down(String),
}

/// A change that is worth a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    Unreachable(String),
    Down(String),
    Well(String),
}

#[derive(Debug, Default)]
struct Record {
    level: Level,
    /// Rounds in a row that looked at least like this.
    unreachable: u32,
    down: u32,
    well: u32,
    /// When it was found down or unreachable before.
    falls: VecDeque<Instant>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    #[default]
    Well,
    Unreachable,
    Down,
}

/// Remembers how each subject looked.
#[derive(Debug)]
pub(crate) struct FailureDetector {
    failures: u32,
    records: HashMap<String, Record>,
}

impl FailureDetector {
    /// A fall counts this long against the next recovery.
    const MEMORY: Duration = Duration::from_secs(15 * 60);
    /// How often the rounds needed for a recovery double at most.
    const MOST_DOUBLINGS: u32 = 5;

    /// So many failures in a row make a finding.
    pub(crate) fn new(failures: u32) -> Self {
        Self { failures: failures.max(1), records: HashMap::new() }
    }

    /// Takes one observation in. What falls again and again must be well for twice as long each time before that is
    /// said: one that flaps is one incident.
    pub(crate) fn observe(
        &mut self,
        subject: &str,
        observation: &Observation,
        now: Instant,
    ) -> Option<Finding> {
        let failures = self.failures;
        let record = self.records.entry(subject.to_owned()).or_default();
        match observation {
            Observation::Well => {
                (record.unreachable, record.down) = (0, 0);
                record.well = record.well.saturating_add(1);
                let needed = record.needed(failures, now);
                (record.level > Level::Well && record.well >= needed).then(|| {
                    record.level = Level::Well;
                    Finding::Well(format!("well {} times in a row", record.well))
                })
            }
            Observation::Unreachable(reason) => {
                record.fails(false);
                let found = record.unreachable >= failures && record.level < Level::Unreachable;
                found.then(|| {
                    record.fall(Level::Unreachable, now);
                    Finding::Unreachable(reason.clone())
                })
            }
            Observation::Down(reason) => {
                record.fails(true);
                let found = record.down >= failures && record.level < Level::Down;
                found.then(|| {
                    record.fall(Level::Down, now);
                    Finding::Down(reason.clone())
                })
            }
        }
    }

    /// Forgets all others. Answers with those that were not well: they are gone now.
    pub(crate) fn keep(&mut self, subjects: &[String]) -> Vec<String> {
        let gone = |(subject, record): (&String, &Record)| {
            (record.level > Level::Well && !subjects.contains(subject)).then(|| subject.clone())
        };
        let gone = self.records.iter().filter_map(gone).collect();
        self.records.retain(|subject, _| subjects.contains(subject));
        gone
    }

    pub(crate) fn is_well(&self, subject: &str) -> bool {
        self.records.get(subject).is_none_or(|record| record.level == Level::Well)
    }

    pub(crate) fn is_down(&self, subject: &str) -> bool {
        self.records.get(subject).is_some_and(|record| record.level == Level::Down)
    }

    /// Whether nothing looked wrong in the last round either.
    pub(crate) fn all_well(&self) -> bool {
        self.records.values().all(|record| record.level == Level::Well && record.unreachable == 0)
    }
}

impl Record {
    fn fails(&mut self, is_down: bool) {
        self.well = 0;
        self.unreachable = self.unreachable.saturating_add(1);
        self.down = if is_down { self.down.saturating_add(1) } else { 0 };
    }

    fn fall(&mut self, level: Level, now: Instant) {
        if self.level == Level::Well {
            self.falls.push_back(now);
        }
        self.level = level;
    }

    fn needed(&mut self, failures: u32, now: Instant) -> u32 {
        while self.falls.front().is_some_and(|at| now.duration_since(*at) > FailureDetector::MEMORY) {
            self.falls.pop_front();
        }
        let again = u32::try_from(self.falls.len()).unwrap_or(u32::MAX).saturating_sub(1);
        failures << again.min(FailureDetector::MOST_DOUBLINGS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down() -> Observation {
        Observation::Down("it is dead".to_owned())
    }

    fn findings(detector: &mut FailureDetector, observations: &[Observation], now: Instant) -> Vec<Finding> {
        observations.iter().filter_map(|observation| detector.observe("web", observation, now)).collect()
    }

    #[test]
    fn a_row_of_failures_is_one_finding() {
        let (mut detector, now) = (FailureDetector::new(3), Instant::now());
        assert_eq!(findings(&mut detector, &[down(), down(), Observation::Well, down(), down()], now), []);
        assert!(detector.is_well("web") && !detector.all_well());
        assert_eq!(
            findings(&mut detector, &[down(), down(), down()], now),
            [Finding::Down("it is dead".to_owned())]
        );
        let well = [Observation::Well, Observation::Well, Observation::Well, Observation::Well];
        assert_eq!(findings(&mut detector, &well, now), [Finding::Well("well 3 times in a row".to_owned())]);
        assert!(detector.all_well());
    }

    #[test]
    fn what_flaps_is_told_less_and_less() {
        let (mut detector, now) = (FailureDetector::new(1), Instant::now());
        let flap: Vec<Observation> =
            (0..200).map(|round| if round % 2 == 0 { down() } else { Observation::Well }).collect();
        let found = findings(&mut detector, &flap, now);
        assert_eq!(found.len(), 3, "down, well at once, and down for all the rest: {found:?}");
        assert_eq!(findings(&mut detector, &[Observation::Well, Observation::Well], now).len(), 1);
        let later = now + FailureDetector::MEMORY + Duration::from_secs(1);
        assert_eq!(
            findings(&mut detector, &[down(), Observation::Well], later).len(),
            2,
            "long ago is forgotten"
        );
    }

    #[test]
    fn unreachable_becomes_down_when_nobody_hears_of_it() {
        let (mut detector, now) = (FailureDetector::new(2), Instant::now());
        let cut = || Observation::Unreachable("no way".to_owned());
        assert_eq!(
            findings(&mut detector, &[cut(), cut(), cut(), down(), down()], now),
            [Finding::Unreachable("no way".to_owned()), Finding::Down("it is dead".to_owned())]
        );
        assert_eq!(detector.keep(&[]), ["web"]);
        assert_eq!(detector.keep(&[]), Vec::<String>::new());
    }
}
