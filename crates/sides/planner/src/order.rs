//! An order of a whole problem: of its parts, each with as few rules as will do.

use crate::{
    conflict, few_rules,
    parts::{self, Stuck},
    problem::{Move, Problem},
};

/// An order of all moves that are left where only rules that matter count.
///
/// # Errors
/// The smallest set of rules that leaves none.
pub(crate) fn find(problem: &Problem) -> Result<Vec<Move>, Vec<usize>> {
    whole(problem).map_err(|stuck| {
        let smallest = conflict::smallest(&stuck.problem, &stuck.blocked_by);
        smallest.into_iter().map(|rule| stuck.rules[rule]).collect()
    })
}

/// Whether there is an order.
pub(crate) fn exists(problem: &Problem) -> bool {
    whole(problem).is_ok()
}

fn whole(problem: &Problem) -> Result<Vec<Move>, Box<Stuck>> {
    parts::roads(problem, &problem.rules_that_matter(), few_rules::order)
}
