//! The planner's answer.

use crate::{
    Phase, Refusal, Requirement, World, WorldFault,
    actions::{self, Action},
    order,
    problem::{Compiled, compile},
    splitting,
};

/// An order in which every state is compatible, the rollback of every step included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What to do, in order; empty when everything is as wanted.
    pub actions: Vec<Action>,
    /// The first action behind which the processes cannot be rolled back to where they began.
    pub point_of_no_return: Option<usize>,
    /// What is not compatible already, before the first action. The plan does not count on it.
    pub broken_before: Vec<Requirement>,
}

/// Plans the way from what is live to what is wanted.
///
/// Every state in between is compatible, and so is every state of a rollback from it, up to the point of no return;
/// what was broken at the start is left out of account and named. The order is a preference, too: widen the
/// schema, roll handlers before those who need them, narrow the schema when the old is gone.
///
/// # Errors
/// [`WorldFault::Refused`] with the smallest conflict when there is no such order; other faults when the
/// world contradicts itself.
pub fn plan(world: &World) -> Result<Plan, WorldFault> {
    answer(world, compile(world)?)
}

/// The same where a process is replaced in one go: each start is followed by the stop of the same process, with nothing
/// but a wait between them. There are worlds that [`plan()`] finds an order for and this does not.
///
/// # Errors
/// As [`plan()`].
pub fn plan_in_rolls(world: &World) -> Result<Plan, WorldFault> {
    let mut compiled = compile(world)?;
    compiled.problem.in_rolls = true;
    answer(world, compiled)
}

fn answer(world: &World, compiled: Compiled) -> Result<Plan, WorldFault> {
    match order::find(&compiled.problem) {
        Ok(moves) => {
            let actions = actions::of(world, &compiled.problem, &moves);
            Ok(Plan {
                point_of_no_return: actions.iter().position(is_past_return),
                actions,
                broken_before: compiled.broken_before,
            })
        }
        Err(conflict) => Err(WorldFault::Refused(refusal(world, &compiled, &conflict))),
    }
}

fn refusal(world: &World, compiled: &Compiled, conflict: &[usize]) -> Refusal {
    let problem = &compiled.problem;
    Refusal {
        end_is_incompatible: conflict
            .iter()
            .any(|rule| problem.rules[*rule].is_broken(problem.goal.position, problem.goal.live)),
        conflict: conflict.iter().map(|rule| compiled.requirements[*rule].clone()).collect(),
        split: splitting::first_that_helps(world, problem.in_rolls).map(Box::new),
    }
}

fn is_past_return(action: &Action) -> bool {
    matches!(action, Action::Migrate { phase: Phase::Contract, .. })
}
