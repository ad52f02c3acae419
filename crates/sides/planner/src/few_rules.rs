//! A part planned with as few rules as will do: an order that holds to none of them is looked at with all of them,
//! those that it breaks are taken in, and so on until none is broken, or until those taken in leave no order.
//!
//! Most conflicts are between few processes; those are met before all the others have to be walked through in vain.

use std::collections::BTreeSet;

use crate::{
    Phase,
    parts::{self, Stuck},
    problem::{Move, Problem, State},
    way_back::WayBack,
};

/// An order in which all rules of `problem` hold.
///
/// # Errors
/// Rules that leave none.
pub(crate) fn order(problem: &Problem) -> Result<Vec<Move>, Box<Stuck>> {
    let mut known = BTreeSet::new();
    loop {
        let rules: Vec<usize> = known.iter().copied().collect();
        let moves = parts::roads(problem, &rules, parts::walk)?;
        let before = known.len();
        known.extend(broken_on(problem, &moves));
        if known.len() == before {
            return Ok(moves);
        }
    }
}

/// The rules that stand in the way of these moves where they first fail; none when they go through.
fn broken_on(problem: &Problem, moves: &[Move]) -> BTreeSet<usize> {
    let mut way_back = WayBack::new(problem);
    let (mut state, mut base) = (problem.start, problem.start.live);
    for step in moves {
        let narrows = *step == Move::Step && problem.phases[state.position] == Phase::Contract;
        state = after(problem, state, *step);
        if narrows {
            base = state.live;
        }
        let mut broken: BTreeSet<usize> = problem.broken(state).collect();
        if broken.is_empty() && *step == Move::Step && way_back.is_open(state, base, &mut broken) {
            broken.clear();
        }
        if !broken.is_empty() {
            return broken;
        }
    }
    BTreeSet::new()
}

fn after(problem: &Problem, state: State, step: Move) -> State {
    match step {
        Move::Step => State { position: state.position + 1, ..state },
        Move::Start(mover) => problem.movers[mover].started(state).unwrap_or(state),
        Move::Stop(mover) => problem.movers[mover].stopped(state).unwrap_or(state),
    }
}
