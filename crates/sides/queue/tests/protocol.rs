//! The protocol of claims and leases as a small model, every order of its steps explored.
//!
//! Two runners and two jobs. Any message may be late or lost, any runner may stand still beyond its lease and go on, or
//! die. What a runner believes of its own lease plays no part in what is safe: only the fence does.
#![allow(missing_docs, clippy::unwrap_used)]

use stateright::{Checker as _, Model, Property};

const RUNNERS: usize = 2;
const JOBS: usize = 2;
/// Bounds what is explored: so many things may go wrong.
const MISHAPS: u8 = 2;
/// As many claims of a job as that can explain, and one more.
const CLAIMS: u8 = MISHAPS + 2;

/// Whom a row belongs to, or where it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Row {
    Waits,
    Held(usize),
    Over,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Job {
    row: Row,
    /// The claims so far.
    lease: u8,
    /// Acknowledgements that the database has accepted.
    acknowledged: u8,
    /// Attempts that were started, and those after which a death or a lost lease explains another.
    started: u8,
    excused: u8,
    /// An outcome was accepted that was not the holder's.
    usurped: bool,
}

/// What a runner holds: the job, its token, and whether it has been run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Held {
    job: usize,
    lease: u8,
    ran: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Runner {
    /// What the database knows of its lease.
    leased: bool,
    dead: bool,
    held: Vec<Held>,
    /// Outcomes on their way, which arrive at some time or never: also those of a runner that is dead by now.
    sent: Vec<Held>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Queue {
    jobs: Vec<Job>,
    runners: Vec<Runner>,
    mishaps: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Beat(usize),
    /// A claim whose answer arrives, or is lost.
    Claim {
        runner: usize,
        job: usize,
        answered: bool,
    },
    Run {
        runner: usize,
        place: usize,
    },
    Send {
        runner: usize,
        place: usize,
    },
    Arrive {
        runner: usize,
        place: usize,
    },
    Lose {
        runner: usize,
        place: usize,
    },
    Reconcile(usize),
    Expire(usize),
    Rescue {
        job: usize,
    },
    Die(usize),
}

/// What may be left out, to see that the model would notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// An outcome counts from whoever sends it.
    NoFence,
    /// The token is not the claim's number but the owner alone.
    OwnerOnly,
    /// Claims whose answer was lost are never looked for.
    NoReconciliation,
    /// Jobs of the dead are left with them.
    NoRescue,
    /// A rescue does not look whether the lease has run out.
    RescueOfTheLiving,
}

struct Protocol(Fault);

impl Protocol {
    fn is_fenced(&self, job: &Job, runner: usize, held: &Held) -> bool {
        match self.0 {
            Fault::NoFence => job.row == Row::Over,
            Fault::OwnerOnly => job.row != Row::Held(runner),
            _ => job.row != Row::Held(runner) || job.lease != held.lease,
        }
    }
}

impl Model for Protocol {
    type State = Queue;
    type Action = Step;

    fn init_states(&self) -> Vec<Queue> {
        let job = Job { row: Row::Waits, lease: 0, acknowledged: 0, started: 0, excused: 0, usurped: false };
        let runner = Runner { leased: false, dead: false, held: Vec::new(), sent: Vec::new() };
        vec![Queue { jobs: vec![job; JOBS], runners: vec![runner; RUNNERS], mishaps: 0 }]
    }

    fn actions(&self, queue: &Queue, steps: &mut Vec<Step>) {
        for (runner, it) in queue.runners.iter().enumerate() {
            if !it.leased && !it.dead {
                steps.push(Step::Beat(runner));
            } else if it.leased && queue.mishaps < MISHAPS {
                steps.push(Step::Expire(runner));
                // Somebody has to do the work.
                if queue.runners.iter().all(|other| !other.dead) {
                    steps.push(Step::Die(runner));
                }
            }
            for (job, row) in queue.jobs.iter().enumerate() {
                if it.leased && row.row == Row::Waits && it.held.len() < JOBS {
                    steps.push(Step::Claim { runner, job, answered: true });
                    if queue.mishaps < MISHAPS {
                        steps.push(Step::Claim { runner, job, answered: false });
                    }
                }
                let unknown = row.row == Row::Held(runner) && !knows(it, job, row.lease);
                if self.0 != Fault::NoReconciliation && it.leased && unknown {
                    steps.push(Step::Reconcile(runner));
                }
            }
            for (place, held) in it.held.iter().enumerate() {
                steps.push(if held.ran { Step::Send { runner, place } } else { Step::Run { runner, place } });
            }
            for place in 0..it.sent.len() {
                steps.push(Step::Arrive { runner, place });
                if queue.mishaps < MISHAPS {
                    steps.push(Step::Lose { runner, place });
                }
            }
        }
        for (job, row) in queue.jobs.iter().enumerate() {
            let Row::Held(owner) = row.row else { continue };
            let may = !queue.runners[owner].leased || self.0 == Fault::RescueOfTheLiving;
            if may && self.0 != Fault::NoRescue {
                steps.push(Step::Rescue { job });
            }
        }
    }

    fn next_state(&self, queue: &Queue, step: Step) -> Option<Queue> {
        let mut next = queue.clone();
        match step {
            Step::Beat(runner) => next.runners[runner].leased = true,
            Step::Claim { runner, job, answered } => {
                let row = &mut next.jobs[job];
                (row.row, row.lease) = (Row::Held(runner), row.lease + 1);
                if answered {
                    next.runners[runner].held.push(Held { job, lease: row.lease, ran: false });
                } else {
                    next.mishaps += 1;
                }
            }
            Step::Run { runner, place } => {
                let held = &mut next.runners[runner].held[place];
                held.ran = true;
                next.jobs[held.job].started += 1;
            }
            Step::Send { runner, place } => {
                let held = next.runners[runner].held.remove(place);
                next.runners[runner].sent.push(held);
            }
            Step::Arrive { runner, place } => {
                let held = next.runners[runner].sent.remove(place);
                let row = &mut next.jobs[held.job];
                if !self.is_fenced(row, runner, &held) {
                    row.usurped |= row.row != Row::Held(runner) || row.lease != held.lease;
                    row.row = Row::Over;
                    row.acknowledged += 1;
                }
            }
            // The runner hears of no answer and sends it again.
            Step::Lose { runner, place } => {
                let held = next.runners[runner].sent.remove(place);
                if !next.runners[runner].dead {
                    next.runners[runner].held.push(held);
                }
                next.mishaps += 1;
            }
            Step::Reconcile(runner) => {
                for (job, row) in next.jobs.iter_mut().enumerate() {
                    if row.row == Row::Held(runner) && !knows(&queue.runners[runner], job, row.lease) {
                        row.row = Row::Waits;
                    }
                }
            }
            Step::Expire(runner) => {
                next.runners[runner].leased = false;
                next.mishaps += 1;
            }
            Step::Rescue { job } => {
                if let Row::Held(owner) = next.jobs[job].row {
                    next.jobs[job].excused += u8::from(!queue.runners[owner].leased);
                }
                next.jobs[job].row = Row::Waits;
            }
            // What it had sent may still arrive.
            Step::Die(runner) => {
                next.runners[runner].leased = false;
                next.runners[runner].dead = true;
                next.runners[runner].held.clear();
                next.mishaps += 1;
            }
        }
        Some(next)
    }

    fn within_boundary(&self, queue: &Queue) -> bool {
        queue.jobs.iter().all(|job| job.lease <= CLAIMS)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always("no job is acknowledged twice", |_, queue| {
                queue.jobs.iter().all(|job| job.acknowledged <= 1)
            }),
            Property::<Self>::always("a job runs again only when its lease was lost", |_, queue| {
                queue.jobs.iter().all(|job| job.started <= job.excused + 1)
            }),
            Property::<Self>::always("only the holder's outcome counts", |_, queue| {
                queue.jobs.iter().all(|job| !job.usurped)
            }),
            Property::<Self>::eventually("every job is over", |_, queue| {
                queue.jobs.iter().all(|job| job.row == Row::Over)
            }),
        ]
    }
}

/// Whether a runner knows of this claim: it holds it, or its outcome is on the way.
fn knows(runner: &Runner, job: usize, lease: u8) -> bool {
    runner.held.iter().chain(&runner.sent).any(|held| held.job == job && held.lease == lease)
}

#[test]
fn no_order_of_steps_loses_or_doubles_a_job() {
    let checker = Protocol(Fault::None).checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.is_done());
    println!("{} states", checker.unique_state_count());
    assert!(checker.unique_state_count() > 1_000, "the model does not move");
}

#[test]
fn each_part_that_is_left_out_is_missed() {
    for (fault, property) in [
        (Fault::NoFence, "only the holder's outcome counts"),
        (Fault::OwnerOnly, "only the holder's outcome counts"),
        (Fault::NoReconciliation, "every job is over"),
        (Fault::NoRescue, "every job is over"),
        (Fault::RescueOfTheLiving, "a job runs again only when its lease was lost"),
    ] {
        let wanted = stateright::HasDiscoveries::AnyOf([property].into());
        let checker = Protocol(fault).checker().threads(2).finish_when(wanted).spawn_bfs().join();
        println!("{fault:?}: {:?}", checker.discoveries().keys().collect::<Vec<_>>());
        assert!(checker.discovery(property).is_some(), "{fault:?} is not noticed by `{property}`");
    }
}
