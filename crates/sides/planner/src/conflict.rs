//! The smallest set of rules that together allow no order.

use std::collections::BTreeSet;

use crate::{problem::Problem, search};

/// Cuts `blocked_by`, rules that together leave no order, down to a set of which none can be spared.
///
/// Deletion-based minimal unsatisfiable subset: leave one rule out after the other, and for good where
/// there is still no order without it. Each trial searches only the processes that its rules touch.
pub(crate) fn smallest(problem: &Problem, blocked_by: &BTreeSet<usize>) -> Vec<usize> {
    let mut core: Vec<usize> = blocked_by.iter().copied().collect();
    let mut at = 0;
    while at < core.len() {
        let mut without = core.clone();
        without.remove(at);
        if search::order(&problem.with_only(&without)).is_err() {
            core = without;
        } else {
            at += 1;
        }
    }
    core
}
