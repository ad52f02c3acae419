//! Turns the moves of the search into the steps of a plan, with the waits between them.

use std::collections::BTreeSet;

use crate::{
    Manifest, Phase, WaitingJob, World,
    compatibility::job_mismatches,
    problem::{Move, Problem},
};

/// One action of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Apply the step of this name.
    Migrate {
        /// The migration.
        step: String,
        /// Its phase.
        phase: Phase,
    },
    /// Bring a release up and wait until it is ready.
    Start {
        /// The process.
        process: String,
        /// The build.
        digest: String,
    },
    /// Wait until none of these jobs waits or runs any more: their enqueuers are gone, and the next action takes
    /// away the last release that works them, or brings one that would claim and not read them. Where they do
    /// not end in time there is no harm in going back.
    Await {
        /// The kinds and versions.
        jobs: Vec<WaitingJob>,
    },
    /// Drain the releases of a process that are not wanted, and see them gone.
    Stop {
        /// The process.
        process: String,
        /// The builds.
        digests: Vec<String>,
    },
}

/// What a plan says for `moves`.
pub(crate) fn of(world: &World, problem: &Problem, moves: &[Move]) -> Vec<Action> {
    let mut steps = world.steps.iter();
    let mut scene = Scene::of(world);
    let mut actions = Vec::new();
    for step in moves {
        let next = scene.after(*step, problem);
        let left = scene.left_without_hands(&next);
        if !left.is_empty() {
            scene.worked_off.extend(left.iter().cloned());
            actions.push(Action::Await { jobs: left.into_iter().collect() });
        }
        match *step {
            Move::Step => actions.extend(
                steps.next().map(|step| Action::Migrate { step: step.name.clone(), phase: step.phase }),
            ),
            Move::Start(mover) => {
                let process = &world.processes[problem.movers[mover].process];
                actions.extend(process.wanted.as_ref().map(|wanted| Action::Start {
                    process: process.name.clone(),
                    digest: wanted.digest.clone(),
                }));
            }
            Move::Stop(mover) => {
                let place = problem.movers[mover].process;
                actions.push(Action::Stop {
                    process: world.processes[place].name.clone(),
                    digests: scene.unwanted(place).map(|live| live.digest.clone()).collect(),
                });
            }
        }
        scene.enter(next);
    }
    actions
}

/// Who is live, and what those who have left may have left behind.
struct Scene<'a> {
    world: &'a World,
    /// Per process.
    live: Vec<Vec<&'a Manifest>>,
    /// Jobs that releases enqueued which are gone: some may still wait.
    left_behind: BTreeSet<WaitingJob>,
    /// Of those, the ones that a wait has seen the end of.
    worked_off: BTreeSet<WaitingJob>,
}

impl<'a> Scene<'a> {
    fn of(world: &'a World) -> Self {
        let live = world.processes.iter().map(|process| process.live.iter().collect()).collect();
        Self { world, live, left_behind: BTreeSet::new(), worked_off: BTreeSet::new() }
    }

    fn unwanted(&self, place: usize) -> impl Iterator<Item = &'a Manifest> {
        let wanted = self.world.processes[place].wanted.as_ref().map(|wanted| &wanted.digest);
        self.live[place].iter().copied().filter(move |live| Some(&live.digest) != wanted)
    }

    fn after(&self, step: Move, problem: &Problem) -> Vec<Vec<&'a Manifest>> {
        let mut live = self.live.clone();
        match step {
            Move::Step => {}
            Move::Start(mover) => {
                let place = problem.movers[mover].process;
                live[place].extend(&self.world.processes[place].wanted);
            }
            Move::Stop(mover) => {
                let place = problem.movers[mover].process;
                let wanted = self.world.processes[place].wanted.as_ref().map(|wanted| &wanted.digest);
                live[place].retain(|live| Some(&live.digest) == wanted);
            }
        }
        live
    }

    /// Jobs of releases that are gone which have a handler now and would have none with `next`. While their
    /// enqueuer lives, the search sees to it.
    fn left_without_hands(&self, next: &[Vec<&'a Manifest>]) -> BTreeSet<WaitingJob> {
        let mismatches = |job: &WaitingJob, live: &[Vec<&'a Manifest>]| {
            job_mismatches(&job.kind, job.version, live.iter().flatten().copied())
        };
        let stays_well = |job: &WaitingJob| {
            let now = mismatches(job, &self.live);
            mismatches(job, next).iter().all(|mismatch| now.contains(mismatch))
        };
        self.left_behind.difference(&self.worked_off).filter(|job| !stays_well(job)).cloned().collect()
    }

    fn enter(&mut self, next: Vec<Vec<&'a Manifest>>) {
        let stays = |manifest: &Manifest| {
            next.iter()
                .flatten()
                .any(|live| live.process == manifest.process && live.digest == manifest.digest)
        };
        let gone = self.live.iter().flatten().filter(|manifest| !stays(manifest));
        self.left_behind.extend(gone.flat_map(|manifest| {
            manifest
                .enqueues
                .iter()
                .map(|(kind, version)| WaitingJob { kind: kind.clone(), version: *version })
        }));
        self.live = next;
    }
}
