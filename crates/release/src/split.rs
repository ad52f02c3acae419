//! The same work over two releases.

use std::fmt;

use serde::Serialize;

use crate::{Phase, World, problem::compile, search};

/// What to leave for the next release so that this one has an order, and the next one too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Split {
    /// Schema steps for the next release.
    pub later_steps: Vec<String>,
    /// Processes that stay as they are in this one.
    pub later_processes: Vec<String>,
}

impl Split {
    /// The first split that helps: leave the contract steps for later, or one process, or both.
    pub(crate) fn of(world: &World) -> Option<Self> {
        let unsettled: Vec<&str> = world
            .processes
            .iter()
            .filter(|process| !process.is_settled())
            .map(|process| process.name.as_str())
            .collect();
        let nobody = || std::iter::once(None);
        let somebody = || unsettled.iter().copied().map(Some);
        let candidates = nobody()
            .map(|process| (true, process))
            .chain(somebody().map(|process| (false, process)))
            .chain(somebody().map(|process| (true, process)));
        candidates
            .filter_map(|(contracts_later, process)| Self::try_one(world, contracts_later, process))
            .next()
    }

    fn try_one(world: &World, contracts_later: bool, later: Option<&str>) -> Option<Self> {
        let mut first = world.clone();
        let is_later = |phase: Phase| contracts_later && phase == Phase::Contract;
        first.steps.retain(|step| !is_later(step.phase));
        for process in first.processes.iter_mut().filter(|process| Some(process.name.as_str()) == later) {
            // A process that is half way already has to be finished, not put off.
            let [live] = process.live.as_slice() else { return None };
            process.wanted = Some(live.clone());
        }
        let same = first.steps.len() == world.steps.len() && later.is_none();
        let nothing = first.steps.is_empty() && first.processes.iter().all(super::Process::is_settled);
        if same || nothing || !has_order(&first) {
            return None;
        }

        let mut second = world.clone();
        second.catalogue = first.catalogues().pop()?;
        second.steps.retain(|step| is_later(step.phase));
        for (process, done) in second.processes.iter_mut().zip(&first.processes) {
            process.live = done.wanted.clone().into_iter().collect();
        }
        has_order(&second).then(|| Self {
            later_steps: second.steps.iter().map(|step| step.name.clone()).collect(),
            later_processes: later.map(str::to_owned).into_iter().collect(),
        })
    }
}

fn has_order(world: &World) -> bool {
    compile(world).is_ok_and(|compiled| {
        let problem = &compiled.problem;
        compiled.broken_before.is_empty()
            && search::order(&problem.with_only(&problem.rules_that_matter())).is_ok()
    })
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let later: Vec<String> = self
            .later_processes
            .iter()
            .map(|process| format!("the new {process}"))
            .chain(self.later_steps.iter().map(|step| format!("the step {step}")))
            .collect();
        write!(f, "It goes in two releases: leave {} for the second.", later.join(" and "))
    }
}
