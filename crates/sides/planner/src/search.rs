//! Depth-first search through the states: preferred move first, no dead end twice.

use std::collections::{BTreeSet, HashSet};

use crate::{
    Phase,
    problem::{Move, Problem, State},
    rule::Releases,
    way_back::WayBack,
};

/// Searches for an order in which every state is compatible and the way back stays open.
///
/// # Errors
/// The rules that blocked the search wherever it was blocked: with them alone there is no order either.
pub(crate) fn order(problem: &Problem) -> Result<Vec<Move>, BTreeSet<usize>> {
    let mut search = Search {
        problem,
        way_back: WayBack::new(problem),
        dead: HashSet::new(),
        blocked_by: BTreeSet::new(),
    };
    let mut moves = Vec::new();
    search.blocked_by.extend(problem.broken(problem.start));
    if search.blocked_by.is_empty() && search.reaches_goal(problem.start, problem.start.live, &mut moves) {
        Ok(moves)
    } else {
        Err(search.blocked_by)
    }
}

struct Search<'a> {
    problem: &'a Problem,
    way_back: WayBack<'a>,
    dead: HashSet<(usize, Releases, Releases)>,
    blocked_by: BTreeSet<usize>,
}

impl Search<'_> {
    /// `base` is where a rollback from here would lead: what was live at the start, or at the last contract
    /// step, behind which there is no way back. No deeper than two moves a process and one a step.
    fn reaches_goal(&mut self, state: State, base: Releases, moves: &mut Vec<Move>) -> bool {
        if state == self.problem.goal {
            return true;
        }
        let key = (self.problem.class[state.position], state.live, base);
        if self.dead.contains(&key) {
            return false;
        }
        for (step, next) in self.problem.moves(state) {
            let narrows = step == Move::Step && self.problem.phases[state.position] == Phase::Contract;
            let base = if narrows { next.live } else { base };
            if !self.is_open(step, next, base) {
                continue;
            }
            moves.push(step);
            if self.reaches_goal(next, base, moves) {
                return true;
            }
            moves.pop();
        }
        self.dead.insert(key);
        false
    }

    fn is_open(&mut self, step: Move, next: State, base: Releases) -> bool {
        let mut broken = self.problem.broken(next).peekable();
        if broken.peek().is_some() {
            self.blocked_by.extend(broken);
            return false;
        }
        // Rolling a process keeps the way back: it is the same road. A schema step may have closed it.
        step != Move::Step || self.way_back.is_open(next, base, &mut self.blocked_by)
    }
}
