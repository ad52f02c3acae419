//! Every order in which releases, undoings, rollbacks, kills and restarts can follow each other, explored: from wherever that
//! leads, one `sides rollback` leads to a build that serves.
//!
//! The steps are those that the code takes: a set is begun in the history, a process is put, what was seen is judged. The
//! decision where to go back to is the code's own ([`History::way_back`]).

use chrono::DateTime;
use stateright::{Checker as _, Model, Property};

use super::{Digest, History, Interrupted, Seen, Set};

/// So many commands, one after the other.
const COMMANDS: usize = 4;
/// The builds that can be released. The second answers badly from its first visitor on.
const BUILDS: [u8; 3] = [0, 1, 2];
const BAD: u8 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    history: Vec<(u8, Seen)>,
    running: u8,
    /// The command that goes on or was interrupted: from, to, and whether it goes back.
    journal: Option<(u8, u8, bool)>,
    /// The build of the canary that stands beside what runs.
    canary: Option<u8>,
    /// Where the command that goes on is; none when nothing goes on.
    step: Option<Step>,
    /// A build that became bad after it had been judged.
    rotten: Option<u8>,
    commands: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    /// The set is in the history, and nothing was put.
    Begun,
    /// One instance of it serves beside the others, and is watched.
    Canary,
    /// That one was good.
    Tried,
    /// That one was worse, and is being ended.
    EndingCanary,
    /// It runs, and is watched.
    Put,
    /// It was worse, and is being put back.
    GoingBack,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Release(u8),
    Rollback,
    StartCanary,
    JudgeCanary,
    EndCanary,
    /// The host does not answer: the canary stays.
    EndCanaryFails,
    /// The host died, and its successor has no canary.
    LoseCanary,
    Put,
    Judge,
    PutBack,
    /// What was to be put back does not start.
    PutBackFails,
    Kill,
    Rot,
}

struct Releases;

fn set(build: u8) -> Set {
    let letter = char::from(b'a' + build).to_string();
    Set::from([("page".to_owned(), Digest::parse(&letter.repeat(64)).unwrap())])
}

fn build_of(set: &Set) -> u8 {
    set["page"].as_str().as_bytes()[0] - b'a'
}

impl State {
    fn way_back(&self) -> Option<u8> {
        let mut history = History::default();
        for &(build, seen) in &self.history {
            let number = history.begin(set(build), DateTime::UNIX_EPOCH);
            history.judge(number, seen);
        }
        let interrupted = self
            .journal
            .map(|(from, to, goes_back)| Interrupted { goes_back, ..Interrupted::new(set(from), set(to)) });
        history
            .way_back(&set(self.running), self.serves(self.running), interrupted.as_ref())
            .map(|set| build_of(&set))
    }

    fn serves(&self, build: u8) -> bool {
        build != BAD && self.rotten != Some(build)
    }

    /// Whether every instance serves.
    fn is_well(&self) -> bool {
        self.serves(self.running) && self.canary.is_none_or(|canary| self.serves(canary))
    }

    /// What runs when one rollback from here has come to its end.
    fn after_rollback(&self) -> u8 {
        // It ends the canary, whatever else there is to do.
        self.way_back().unwrap_or(self.running)
    }

    fn begin(&mut self, to: u8, goes_back: bool) {
        // What an earlier command has left beside goes, but for the canary that this one is about.
        self.canary = self.canary.filter(|canary| *canary == to && !goes_back);
        // What a release that was interrupted began with is what this one goes back to.
        let from = match self.journal {
            Some((from, _, _)) if !goes_back => from,
            Some(_) => to,
            None => self.running,
        };
        // Clients of the command see what answers badly before it is touched.
        if !self.serves(self.running) {
            for (build, seen) in self.history.iter_mut().filter(|(_, seen)| *seen == Seen::Good) {
                if *build == self.running {
                    *seen = Seen::Failed;
                }
            }
        }
        self.commands += 1;
        self.history.push((to, Seen::NeverJudged));
        (self.journal, self.step) = (Some((from, to, goes_back)), Some(Step::Begun));
    }

    fn end(&mut self, seen: Seen) {
        self.history.last_mut().unwrap().1 = seen;
        if seen != Seen::Failed {
            self.journal = None;
        }
        self.step = None;
    }
}

impl Model for Releases {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let history = vec![(0, Seen::Good), (2, Seen::Good)];
        vec![State {
            history,
            running: 2,
            journal: None,
            canary: None,
            step: None,
            rotten: None,
            commands: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        match state.step {
            None if state.commands < COMMANDS => {
                actions.extend(BUILDS.map(Action::Release));
                actions.extend([Action::Rollback, Action::Rot]);
            }
            None => {}
            // One of several instances is tried; one alone is replaced at once, as whatever goes back is.
            Some(Step::Begun) => actions.extend([Action::Put, Action::StartCanary, Action::Kill]),
            Some(Step::Canary) => actions.extend([Action::JudgeCanary, Action::LoseCanary, Action::Kill]),
            Some(Step::Tried) => actions.extend([Action::Put, Action::LoseCanary, Action::Kill]),
            Some(Step::EndingCanary) => {
                actions.extend([Action::EndCanary, Action::EndCanaryFails, Action::Kill]);
            }
            Some(Step::Put) => actions.extend([Action::Judge, Action::Kill]),
            Some(Step::GoingBack) => actions.extend([Action::PutBack, Action::PutBackFails, Action::Kill]),
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Release(build) if build == state.running => match state.journal {
                // What a release that was interrupted has put was not watched yet.
                Some((from, _, _)) if from != build => {
                    state.begin(build, false);
                    (state.canary, state.step) = (None, Some(Step::Put));
                }
                // There is nothing to put, and the story of the one that was interrupted has come to this.
                _ => (state.journal, state.canary) = (None, None),
            },
            Action::Release(build) => state.begin(build, false),
            Action::Rollback => match state.way_back() {
                Some(to) if to != state.running => state.begin(to, true),
                // There is nothing to put: the story of the one that was interrupted ends.
                Some(_) => (state.journal, state.canary) = (None, None),
                None => state.canary = None,
            },
            Action::StartCanary => {
                let (_, to, goes_back) = state.journal?;
                if goes_back {
                    return None;
                }
                (state.canary, state.step) = (Some(to), Some(Step::Canary));
            }
            Action::JudgeCanary if state.canary.is_some_and(|canary| state.serves(canary)) => {
                state.step = Some(Step::Tried);
            }
            Action::JudgeCanary => state.step = Some(Step::EndingCanary),
            Action::EndCanary => {
                state.canary = None;
                state.end(Seen::Undone);
            }
            Action::EndCanaryFails => state.end(Seen::Failed),
            Action::LoseCanary => state.canary = None,
            Action::Put => {
                // The canary is the first of the new instances.
                (state.running, state.canary, state.step) = (state.journal?.1, None, Some(Step::Put));
            }
            Action::Judge if state.serves(state.running) => state.end(Seen::Good),
            Action::Judge => state.step = Some(Step::GoingBack),
            Action::PutBack => {
                state.running = state.journal?.0;
                state.end(Seen::Undone);
            }
            Action::PutBackFails => state.end(Seen::Failed),
            Action::Kill => state.step = None,
            Action::Rot => {
                // One at a time, and only what serves can begin not to.
                state.rotten =
                    state.serves(state.running).then_some(state.running).filter(|_| state.rotten.is_none());
                state.rotten?;
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "one rollback leads from what does not serve to what does",
                |_, state: &State| {
                    let is_over = state.step.is_none();
                    !is_over || state.is_well() || state.serves(state.after_rollback())
                },
            ),
            Property::always("a canary that is left is named by what was interrupted", |_, state: &State| {
                let is_named = |canary| state.journal.is_some_and(|(_, to, _)| to == canary);
                state.step.is_some() || state.canary.is_none_or(is_named)
            }),
            Property::always("while a canary is tried, what ran serves as before", |_, state: &State| {
                state.canary.is_none_or(|canary| canary != state.running)
            }),
            Property::sometimes("a bad canary is left running", |_, state: &State| {
                state.step.is_none() && state.canary == Some(BAD)
            }),
            Property::sometimes("a bad build is left running", |_, state: &State| {
                state.step.is_none() && state.running == BAD
            }),
            Property::sometimes("a build rots, and a rollback from it is cut off", |_, state: &State| {
                state.rotten.is_some()
                    && state.step.is_none()
                    && state.journal.is_some_and(|(_, _, back)| back)
            }),
        ]
    }
}

#[test]
fn from_wherever_commands_end_or_die_one_rollback_leads_to_a_build_that_serves() {
    let checker = Releases.checker().spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.unique_state_count() > 500, "{} states", checker.unique_state_count());
}
