//! Looks for a way to split a change without an order over two releases.

use std::collections::BTreeSet;

use crate::{Manifest, Phase, Process, Split, WaitingJob, World, job_mismatches, order, problem::compile};

/// So many processes that change are tried in every combination; of more, each alone and all but each.
const COMBINED: usize = 5;

/// The first split that helps: leave the contract steps for later, or processes, or both; as few as can be.
pub(crate) fn first_that_helps(world: &World, in_rolls: bool) -> Option<Split> {
    let outdated: Vec<&str> = world
        .processes
        .iter()
        .filter(|process| !process.is_up_to_date())
        .map(|process| process.name.as_str())
        .collect();
    let somebody = later(&outdated);
    let candidates = std::iter::once((true, Vec::new()))
        .chain(somebody.iter().map(|processes| (false, processes.clone())))
        .chain(somebody.iter().map(|processes| (true, processes.clone())));
    candidates
        .filter_map(|(contracts_later, processes)| try_one(world, contracts_later, &processes, in_rolls))
        .next()
}

fn try_one(world: &World, contracts_later: bool, later: &[&str], in_rolls: bool) -> Option<Split> {
    let mut first = world.clone();
    let is_later = |phase: Phase| contracts_later && phase == Phase::Contract;
    first.steps.retain(|step| !is_later(step.phase));
    for process in first.processes.iter_mut().filter(|process| later.contains(&process.name.as_str())) {
        // A process that is half way already has to be finished, not put off.
        let [live] = process.live.as_slice() else { return None };
        process.wanted = Some(live.clone());
    }
    let same = first.steps.len() == world.steps.len() && later.is_empty();
    let nothing = first.steps.is_empty() && first.processes.iter().all(Process::is_up_to_date);
    if same || nothing || !has_order(&first, in_rolls) {
        return None;
    }

    let mut second = world.clone();
    second.catalogue = first.catalogues().pop()?;
    second.steps.retain(|step| is_later(step.phase));
    for (process, done) in second.processes.iter_mut().zip(&first.processes) {
        process.live = done.wanted.clone().into_iter().collect();
    }
    let mut after_jobs = Vec::new();
    if !has_order(&second, in_rolls) {
        after_jobs = worked_off(&second);
        second.waiting.retain(|job| !after_jobs.contains(job));
        if after_jobs.is_empty() || !has_order(&second, in_rolls) {
            return None;
        }
    }
    let changes = first.processes.iter().filter(|process| !process.is_up_to_date());
    Some(Split {
        later_steps: second.steps.iter().map(|step| step.name.clone()).collect(),
        later_processes: later.iter().map(|name| (*name).to_owned()).collect(),
        first_processes: changes.map(|process| process.name.clone()).collect(),
        after_jobs,
    })
}

/// Which processes to put off, the fewest first.
fn later<'a>(outdated: &[&'a str]) -> Vec<Vec<&'a str>> {
    let count = outdated.len();
    let mut sets: Vec<Vec<&str>> = if count <= COMBINED {
        let of = |set: usize| (0..count).filter(|at| set >> at & 1 == 1).map(|at| outdated[at]).collect();
        (1..1_usize << count).map(of).collect()
    } else {
        let alone = outdated.iter().map(|one| vec![*one]);
        let all_but =
            outdated.iter().map(|one| outdated.iter().copied().filter(|other| other != one).collect());
        alone.chain(all_but).collect()
    };
    sets.sort_by_key(Vec::len);
    sets
}

/// The jobs that wait, are handled by what is live, and would not be by what is wanted, while nobody that is
/// live enqueues more of them: between two releases they end by themselves.
fn worked_off(world: &World) -> Vec<WaitingJob> {
    let live = || world.processes.iter().flat_map(|process| &process.live);
    let wanted = || world.processes.iter().flat_map(|process| &process.wanted);
    let more: BTreeSet<(&String, u16)> =
        live().flat_map(|manifest| &manifest.enqueues).map(|(kind, version)| (kind, *version)).collect();
    let are_compatible = |job: &WaitingJob, hands: &mut dyn Iterator<Item = &Manifest>| {
        job_mismatches(&job.kind, job.version, hands).is_empty()
    };
    let ends = |job: &&WaitingJob| {
        !more.contains(&(&job.kind, job.version))
            && are_compatible(job, &mut live())
            && !are_compatible(job, &mut wanted())
    };
    world.waiting.iter().filter(ends).cloned().collect()
}

fn has_order(world: &World, in_rolls: bool) -> bool {
    compile(world).is_ok_and(|mut compiled| {
        compiled.problem.in_rolls = in_rolls;
        compiled.broken_before.is_empty() && order::exists(&compiled.problem)
    })
}
