//! The steps that can be taken, what each does, and what must hold whatever their order.

use stateright::{Model, Property};

use crate::state::{Claim, Job, Queue, Row, Runner};

/// Which runners hold a lock in their session.
const SHOWS: [bool; 2] = [true, false];
const JOBS: usize = 2;
/// Bounds what is explored: so many things may go wrong.
const MISHAPS: u8 = 2;
/// As many claims of a job as that can explain, and one more.
const CLAIMS: u8 = MISHAPS + 2;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Step {
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
    /// The connection ends, and is made again.
    Disconnect(usize),
    Connect(usize),
    /// The lock is gone: the lease is ended early.
    Presume(usize),
    Restart,
    Rescue {
        job: usize,
    },
    Die(usize),
}

/// What may be left out, to see that the model would notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
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
    /// A lease is ended early although the lock is there.
    PresumedInSpiteOfTheLock,
    /// A lease is ended early although there never was a lock.
    PresumedWithoutALock,
    /// What the server saw before it restarted counts after it.
    RemembersAcrossARestart,
}

pub(crate) struct Protocol(pub(crate) Fault);

impl Protocol {
    fn is_presumed_dead(&self, runner: &Runner) -> bool {
        match self.0 {
            Fault::PresumedInSpiteOfTheLock => runner.seen,
            Fault::PresumedWithoutALock => !runner.session,
            _ => runner.seen && !runner.session,
        }
    }

    fn is_fenced(&self, job: &Job, runner: usize, held: &Claim) -> bool {
        match self.0 {
            Fault::NoFence => job.row == Row::Over,
            Fault::OwnerOnly => job.row != Row::HeldBy(runner),
            _ => job.row != Row::HeldBy(runner) || job.lease != held.lease,
        }
    }
}

impl Model for Protocol {
    type State = Queue;
    type Action = Step;

    fn init_states(&self) -> Vec<Queue> {
        let job = Job { row: Row::Waits, lease: 0, acknowledged: 0, started: 0, excused: 0, usurped: false };
        let runners = SHOWS.map(|session| Runner {
            leased: false,
            session,
            seen: false,
            gone: false,
            excused: false,
            dead: false,
            held: Vec::new(),
            sent: Vec::new(),
        });
        vec![Queue { jobs: vec![job; JOBS], runners: runners.into(), mishaps: 0 }]
    }

    fn actions(&self, queue: &Queue, steps: &mut Vec<Step>) {
        for (runner, it) in queue.runners.iter().enumerate() {
            if !it.dead && (!it.leased || it.seen != it.session) {
                steps.push(Step::Beat(runner));
            }
            if it.leased && (it.dead || queue.mishaps < MISHAPS) {
                steps.push(Step::Expire(runner));
            }
            // Somebody has to do the work.
            let all_live = queue.runners.iter().all(|other| !other.dead);
            if it.leased && all_live && queue.mishaps < MISHAPS {
                steps.push(Step::Die(runner));
            }
            if it.session && queue.mishaps < MISHAPS {
                steps.push(Step::Disconnect(runner));
            }
            if SHOWS[runner] && !it.session && !it.dead {
                steps.push(Step::Connect(runner));
            }
            if it.leased && self.is_presumed_dead(it) {
                steps.push(Step::Presume(runner));
            }
            let works = it.leased && !it.dead;
            for (job, row) in queue.jobs.iter().enumerate() {
                if works && row.row == Row::Waits && it.held.len() < JOBS {
                    steps.push(Step::Claim { runner, job, answered: true });
                    if queue.mishaps < MISHAPS {
                        steps.push(Step::Claim { runner, job, answered: false });
                    }
                }
                let unknown = row.row == Row::HeldBy(runner) && !knows(it, job, row.lease);
                if self.0 != Fault::NoReconciliation && works && unknown {
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
        if queue.mishaps < MISHAPS {
            steps.push(Step::Restart);
        }
        for (job, row) in queue.jobs.iter().enumerate() {
            let Row::HeldBy(owner) = row.row else { continue };
            let may = !queue.runners[owner].leased || self.0 == Fault::RescueOfTheLiving;
            if may && self.0 != Fault::NoRescue {
                steps.push(Step::Rescue { job });
            }
        }
    }

    fn next_state(&self, queue: &Queue, step: Step) -> Option<Queue> {
        let mut next = queue.clone();
        match step {
            Step::Beat(runner) => {
                let it = &mut next.runners[runner];
                (it.leased, it.seen) = (true, it.session);
                (it.gone, it.excused) = (it.gone && !it.session, false);
            }
            Step::Claim { runner, job, answered } => {
                let row = &mut next.jobs[job];
                (row.row, row.lease) = (Row::HeldBy(runner), row.lease + 1);
                if answered {
                    next.runners[runner].held.push(Claim { job, lease: row.lease, ran: false });
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
                    row.usurped |= row.row != Row::HeldBy(runner) || row.lease != held.lease;
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
                    if row.row == Row::HeldBy(runner) && !knows(&queue.runners[runner], job, row.lease) {
                        row.row = Row::Waits;
                    }
                }
            }
            Step::Expire(runner) => {
                let it = &mut next.runners[runner];
                (it.leased, it.excused) = (false, true);
                next.mishaps += u8::from(!it.dead);
            }
            Step::Disconnect(runner) => {
                let it = &mut next.runners[runner];
                (it.session, it.gone) = (false, true);
                next.mishaps += 1;
            }
            Step::Connect(runner) => next.runners[runner].session = true,
            Step::Presume(runner) => {
                let it = &mut next.runners[runner];
                (it.leased, it.excused) = (false, it.gone);
            }
            Step::Restart => {
                for it in &mut next.runners {
                    it.session = false;
                    it.seen &= self.0 == Fault::RemembersAcrossARestart;
                }
                next.mishaps += 1;
            }
            Step::Rescue { job } => {
                if let Row::HeldBy(owner) = next.jobs[job].row {
                    next.jobs[job].excused += u8::from(queue.runners[owner].excused);
                }
                next.jobs[job].row = Row::Waits;
            }
            // What it had sent may still arrive.
            Step::Die(runner) => {
                let it = &mut next.runners[runner];
                (it.dead, it.session, it.gone) = (true, false, true);
                it.held.clear();
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
