//! Whether the processes can be rolled back from a state, with the schema unchanged.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::{
    problem::{Mover, Problem, State},
    rule::Releases,
};

/// Answers, and remembers, whether a set of live releases can be led back to an earlier one.
///
/// A rollback undoes starts and stops, never a schema step. Undoing is the same road in the other direction,
/// so the question is whether the later set can be reached from the earlier one under the later schema.
pub(crate) struct WayBack<'a> {
    problem: &'a Problem,
    known: HashMap<(usize, Releases, Releases), bool>,
}

impl<'a> WayBack<'a> {
    pub(crate) fn new(problem: &'a Problem) -> Self {
        Self { problem, known: HashMap::new() }
    }

    /// Whether `state` can be led back to `base`. What stands in the way is added to `blocked_by`.
    pub(crate) fn is_open(&mut self, state: State, base: Releases, blocked_by: &mut BTreeSet<usize>) -> bool {
        if state.live == base {
            return true;
        }
        let key = (self.problem.class[state.position], state.live, base);
        if let Some(open) = self.known.get(&key) {
            return *open;
        }
        let open = self.search(state, base, blocked_by);
        self.known.insert(key, open);
        open
    }

    fn search(&self, state: State, base: Releases, blocked_by: &mut BTreeSet<usize>) -> bool {
        let mut seen = HashSet::from([state.live]);
        let mut waiting = vec![state.live];
        while let Some(live) = waiting.pop() {
            if live == base {
                return true;
            }
            for mover in &self.problem.movers {
                for previous in mover.undone(live, base) {
                    let previous = State { live: previous, ..state };
                    if self.problem.is_compatible(previous) {
                        if seen.insert(previous.live) {
                            waiting.push(previous.live);
                        }
                    } else {
                        blocked_by.extend(self.problem.broken(previous));
                    }
                }
            }
        }
        false
    }
}

impl Mover {
    /// What was live one event of this process earlier, no further back than `base`.
    fn undone(self, live: Releases, base: Releases) -> impl Iterator<Item = Releases> {
        let old_back = base & self.old & !live;
        let restarted = (old_back != 0).then_some(live | old_back);
        let new_goes = live & self.new & !base;
        // The old release, where there is one, is back before the new one goes.
        let withdrawn = (new_goes != 0 && old_back == 0).then_some(live & !new_goes);
        restarted.into_iter().chain(withdrawn)
    }
}
