//! Which sets of builds were released, and what was seen of each: from it the way back is derived, so no command that
//! fails, and none that is killed, can lose it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Interrupted, Set};

/// How many sets are remembered.
const REMEMBERED: usize = 50;
/// The builds of so many good sets are kept.
const KEPT_GOOD: usize = 5;

/// Every set that a release or a rollback was about, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The oldest first.
    pub entries: Vec<Entry>,
}

/// One set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What people call it: `sides rollback --to 12`.
    pub number: u64,
    /// When it was begun.
    pub at: DateTime<Utc>,
    /// What was seen of it.
    pub seen: Seen,
    /// Which release each process ran.
    pub set: Set,
}

/// What was seen of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// It was begun, and nobody has seen its end.
    NeverJudged,
    /// Everything answered to the end of the watch.
    Good,
    /// It was worse than what ran before, and was put back.
    Undone,
    /// It did not go well and could not be put back, or was seen to answer badly later.
    Failed,
}

impl Seen {
    /// As people read it.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::NeverJudged => "never judged",
            Self::Good => "good",
            Self::Undone => "undone",
            Self::Failed => "failed",
        }
    }
}

impl History {
    /// What an older `sides` has left: the set that runs, and the one before it.
    pub fn of_older(before: Option<Set>, running: Set, at: DateTime<Utc>) -> Self {
        let mut history = Self::default();
        for set in before.into_iter().chain([running]).filter(|set| !set.is_empty()) {
            let number = history.begin(set, at);
            history.judge(number, Seen::Good);
        }
        history
    }

    /// A set is about to be put in place; its number.
    pub fn begin(&mut self, set: Set, at: DateTime<Utc>) -> u64 {
        let number = self.entries.last().map_or(1, |last| last.number + 1);
        self.entries.push(Entry { number, at, seen: Seen::NeverJudged, set });
        let newest_good = self.entries.iter().rposition(|entry| entry.seen == Seen::Good);
        while self.entries.len() > REMEMBERED {
            // The only good one is not forgotten, however many have failed since.
            let oldest = if newest_good == Some(0) { 1 } else { 0 };
            self.entries.remove(oldest);
        }
        number
    }

    /// What was seen of it.
    pub fn judge(&mut self, number: u64, seen: Seen) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.number == number) {
            entry.seen = seen;
        }
    }

    /// A set that was seen good answers badly now: from now on it is no place to go back to.
    pub fn doubt(&mut self, set: &Set) {
        for entry in self.entries.iter_mut().filter(|entry| entry.seen == Seen::Good && entry.set == *set) {
            entry.seen = Seen::Failed;
        }
    }

    /// Whether this very set was once seen good.
    pub fn is_good(&self, set: &Set) -> bool {
        self.entries.iter().any(|entry| entry.seen == Seen::Good && entry.set == *set)
    }

    /// Whether this very set did not go well when it was seen last.
    fn was_bad(&self, set: &Set) -> bool {
        let last = self.entries.iter().rev().find(|entry| entry.set == *set);
        last.is_some_and(|last| matches!(last.seen, Seen::Failed | Seen::Undone))
    }

    /// Where a rollback goes from what runs: to the set that was seen good last and is another one.
    pub fn last_good_beside(&self, running: &Set) -> Option<&Set> {
        let good = self.entries.iter().rev().filter(|entry| entry.seen == Seen::Good);
        good.map(|entry| &entry.set).find(|set| *set != running)
    }

    /// Where `sides rollback` goes from `running`, of which it is known whether everything answers, and from a command
    /// that was interrupted, if one was: one command leads from wherever another died to builds that were seen good.
    pub fn way_back(&self, running: &Set, answers: bool, interrupted: Option<&Interrupted>) -> Option<Set> {
        let before = interrupted.map(|interrupted| match interrupted.goes_back {
            // What it led away from is no place to return to.
            true => &interrupted.to,
            false => &interrupted.from,
        });
        // To stay where nothing answers is no way back.
        let is_better = |set: &&Set| self.is_good(set) && (answers || *set != running);
        // No other was ever seen good. What was seen bad, or by nobody, is worse than what was seen good and answers.
        let is_worse = |set: &Set| answers && (self.was_bad(set) || self.is_good(running));
        let is_last_resort = |set: &&Set| !set.is_empty() && !is_worse(set);
        let before_all = || interrupted.map(|interrupted| &interrupted.from).filter(is_last_resort);
        before.filter(is_better).or_else(|| self.last_good_beside(running)).or_else(before_all).cloned()
    }

    /// The set of this number.
    pub fn find(&self, number: u64) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.number == number)
    }

    /// The sets whose builds must not be removed: the newest that were seen good, each once.
    pub fn worth_keeping(&self) -> Vec<&Set> {
        let mut kept: Vec<&Set> = Vec::new();
        for entry in self.entries.iter().rev().filter(|entry| entry.seen == Seen::Good) {
            if kept.len() < KEPT_GOOD && !kept.contains(&&entry.set) {
                kept.push(&entry.set);
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::releases::Digest;

    fn set(letter: char) -> Set {
        Set::from([("web".to_owned(), Digest::parse(&letter.to_string().repeat(64)).unwrap())])
    }

    fn history(of: &[(char, Seen)]) -> History {
        let mut history = History::default();
        for &(letter, seen) in of {
            let number = history.begin(set(letter), Utc::now());
            history.judge(number, seen);
        }
        history
    }

    #[test]
    fn the_way_back_leads_to_the_last_good_set_whatever_failed_since() {
        use Seen::{Failed, Good, NeverJudged, Undone};
        let good = history(&[('a', Good), ('b', Good)]);
        assert_eq!(good.last_good_beside(&set('b')), Some(&set('a')));
        assert_eq!(
            history(&[('a', Good), ('b', Good), ('a', Good)]).last_good_beside(&set('a')),
            Some(&set('b'))
        );
        let broken = history(&[('a', Good), ('b', Failed), ('a', Failed), ('a', NeverJudged), ('c', Undone)]);
        assert_eq!(broken.last_good_beside(&set('b')), Some(&set('a')));
        assert_eq!(
            broken.last_good_beside(&set('d')),
            Some(&set('a')),
            "half of one and half of another runs"
        );
        assert_eq!(history(&[('b', Failed)]).last_good_beside(&set('b')), None);
        assert!(broken.is_good(&set('a')) && !broken.is_good(&set('b')));
        let from = Interrupted::new(set('b'), set('c'));
        let nothing_good = history(&[('b', Failed), ('c', NeverJudged)]);
        assert_eq!(
            nothing_good.way_back(&set('d'), true, Some(&from)),
            None,
            "what runs answers, that did not"
        );
        assert_eq!(nothing_good.way_back(&set('d'), false, Some(&from)), Some(set('b')));
        assert_eq!(history(&[]).way_back(&set('d'), true, Some(&from)), Some(set('b')));
        let mut rotten = history(&[('a', Good), ('b', Good), ('c', Good)]);
        rotten.doubt(&set('b'));
        assert_eq!(rotten.last_good_beside(&set('c')), Some(&set('a')));
    }

    #[test]
    fn the_only_good_set_outlives_any_number_of_failed_ones() {
        let mut many = vec![('a', Seen::Good)];
        many.extend([('b', Seen::Failed); 3 * REMEMBERED]);
        let history = history(&many);
        assert_eq!(history.entries.len(), REMEMBERED);
        assert_eq!(history.worth_keeping(), [&set('a')]);
    }

    #[test]
    fn what_an_older_sides_has_left_is_taken_over() {
        let history = History::of_older(Some(set('a')), set('b'), Utc::now());
        assert_eq!(history.last_good_beside(&set('b')), Some(&set('a')));
        assert_eq!(History::of_older(Some(Set::new()), Set::new(), Utc::now()), History::default());
    }
}
