//! Brings jobs to the buffer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    RunnerConfig,
    ahead::Pace,
    attempt,
    buffer::Buffer,
    in_flight::InFlight,
    late::Late,
    lease::Lease,
    outcome::Outcome,
    outcomes::Outcomes,
    position::Cursor,
    session::{Session, SessionError},
    sql::{claim, claim::Claims, control::Rules, give_back, places},
    worker_pool,
};
use crate::error::chain;

/// The one task that claims for a runner.
pub(crate) struct Claimer {
    pub(crate) session: Session,
    pub(crate) buffer: Arc<Buffer>,
    pub(crate) outcomes: Arc<Outcomes>,
    pub(crate) in_flight: Arc<InFlight>,
    pub(crate) lease: Arc<Lease>,
    pub(crate) wake: Arc<Notify>,
    pub(crate) late: Arc<Late>,
    pub(crate) owner: Uuid,
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) config: RunnerConfig,
    pub(crate) rules: watch::Receiver<Rules>,
}

/// How often to look whether a rate allows more.
const LIMITED_EVERY: Duration = Duration::from_millis(50);

/// Looking for claims whose answer never arrived walks all that ran since the last vacuum: where it takes long, it is worth
/// waiting for this many times as long.
const RECONCILE_SHARE: u32 = 20;

/// What the claimer remembers from one claim to the next.
struct Memory {
    cursor: Cursor,
    pace: Pace,
    /// The last claim found less than it wanted.
    dry: bool,
    /// When to look for claims whose answer never arrived.
    reconcile: Instant,
    suspect: Option<Uuid>,
    suspects_at: Instant,
    /// When to note where claims are; `None` where that cannot be noted.
    note_at: Option<Instant>,
}

/// How often to note it.
const NOTE_EVERY: Duration = Duration::from_secs(1);

impl Claimer {
    /// Claims until the drain begins.
    pub(crate) async fn run(mut self, drain: CancellationToken) {
        let now = Instant::now();
        let (cursor, note_at) = self.begin().await;
        let mut memory = Memory {
            cursor,
            pace: Pace::new(now),
            dry: false,
            reconcile: now + self.config.lease,
            suspect: None,
            suspects_at: now,
            note_at,
        };
        while !drain.is_cancelled() {
            let done = self.step(&mut memory).await;
            let wait = match done {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(error = chain(&error), "no jobs could be claimed");
                    // The claim may have been carried out, and its jobs be ours without our knowing.
                    memory.reconcile = Instant::now();
                    Wait::For(Duration::from_millis(200))
                }
            };
            let sleep = match wait {
                Wait::No => continue,
                Wait::ForJobs if self.rules.borrow().has_limits => self.config.poll.min(LIMITED_EVERY),
                Wait::ForJobs => self.config.poll,
                Wait::ForCapacity => self.config.poll,
                Wait::For(time) => time,
            };
            tokio::select! {
                () = drain.cancelled() => {}
                () = self.wake.notified(), if wait == Wait::ForJobs => memory.dry = false,
                () = self.buffer.capacity.notified(), if wait == Wait::ForCapacity => {}
                () = self.lease.changed.notified() => {}
                () = tokio::time::sleep(sleep) => memory.dry = false,
            }
        }
    }

    /// Where the claims of others are, and when to note where one's own are. What they have not claimed behind it is found by
    /// the look through everything that begins now as well.
    async fn begin(&mut self) -> (Cursor, Option<Instant>) {
        match places::newest(&mut self.session).await {
            Ok(places) => (Cursor::at(places), Some(Instant::now() + NOTE_EVERY)),
            // A database of before, or one that is away.
            Err(error) => {
                tracing::debug!(error = chain(&error), "claims begin at the beginning");
                (Cursor::default(), None)
            }
        }
    }

    async fn note(&mut self, memory: &mut Memory, now: Instant) {
        if !self.late.is_long() || memory.note_at.is_none_or(|at| now < at) {
            return;
        }
        memory.note_at = Some(now + NOTE_EVERY);
        if let Err(error) = places::note(&mut self.session, &memory.cursor.places()).await {
            tracing::debug!(error = chain(&error), "where claims are was not noted");
            memory.note_at = None;
        }
    }

    async fn step(&mut self, memory: &mut Memory) -> Result<Wait, SessionError> {
        let now = Instant::now();
        if !self.lease.may_claim(now) {
            return Ok(Wait::For(Duration::from_millis(100)));
        }
        if now >= memory.reconcile {
            let released =
                give_back::release_unknown(&mut self.session, self.owner, &self.in_flight.ids()).await?;
            if released > 0 {
                tracing::warn!(jobs = released, "jobs given back whose claim was never answered");
            }
            memory.reconcile = Instant::now() + self.config.lease.max(now.elapsed() * RECONCILE_SHARE);
        }
        self.suspect(memory, now).await?;
        if memory.dry {
            return Ok(Wait::ForJobs);
        }
        let wanted = self.wanted(memory, now);
        if wanted == 0 {
            return Ok(Wait::ForCapacity);
        }
        let wanted = wanted - self.limited(wanted).await?;
        if wanted == 0 {
            return Ok(Wait::ForCapacity);
        }
        // Nobody may have looked through everything for long: its own session may not get through.
        if self.late.is_overdue(now) {
            memory.cursor = Cursor::default();
        }
        memory.cursor.hear(self.late.take());
        let parts = memory.cursor.parts();
        let limit = i64::try_from(wanted).unwrap_or(i64::MAX);
        let claims = claim::claim(&mut self.session, self.owner, &self.kinds, limit, &parts).await?;
        let was_full = claims.len() == wanted;
        memory.cursor.claimed(claims.jobs.iter().map(|job| job.position), was_full);
        if claims.len() > 0 {
            self.late.claimed();
        }
        memory.dry = !was_full;
        self.bring(claims);
        self.note(memory, now).await;
        Ok(if memory.dry { Wait::ForJobs } else { Wait::No })
    }

    /// Jobs of queues and kinds with limits come by another way. Returns how many came.
    async fn limited(&mut self, wanted: usize) -> Result<usize, SessionError> {
        if !self.rules.borrow().has_limits {
            return Ok(0);
        }
        let limit = i32::try_from(wanted).unwrap_or(i32::MAX);
        let claims = claim::claim_limited(&mut self.session, self.owner, &self.kinds, limit).await?;
        let count = claims.len();
        self.bring(claims);
        Ok(count)
    }

    fn wanted(&self, memory: &mut Memory, now: Instant) -> usize {
        memory.pace.note(now, self.outcomes.ended());
        let ready = self.buffer.waiting();
        let free = self.config.concurrency.saturating_sub(self.buffer.busy());
        let wanted = memory.pace.wanted(free, ready, self.config.prefetch);
        self.buffer.set_low((ready + wanted) / 2);
        // Outcomes that are not written yet hold memory, and their rows: no more than twice what may be ahead.
        let most = self.config.concurrency + 3 * self.config.prefetch;
        wanted.min(most.saturating_sub(self.in_flight.len()))
    }

    /// A job that two runners died with runs when no other such job does: should it kill this one too, the
    /// others are not counted as killers.
    async fn suspect(&mut self, memory: &mut Memory, now: Instant) -> Result<(), SessionError> {
        let running = memory.suspect.is_some_and(|id| self.in_flight.has(id));
        if running || now < memory.suspects_at || self.buffer.busy() >= self.config.concurrency {
            return Ok(());
        }
        memory.suspects_at = now + self.config.poll;
        let claims = claim::claim_suspect(&mut self.session, self.owner, &self.kinds).await?;
        if claims.len() > 0 {
            memory.suspect = claims.jobs.first().map(|job| job.id);
            memory.suspects_at = now;
            self.bring(claims);
        }
        Ok(())
    }

    fn bring(&self, claims: Claims) {
        let Claims { jobs, unreadable } = claims;
        self.in_flight.add(unreadable.iter().map(|row| (row.id, row.lease)));
        unreadable.into_iter().for_each(|row| self.outcomes.push(attempt::set_aside(row)));
        if jobs.is_empty() {
            return;
        }
        self.in_flight.add(jobs.iter().map(|job| (job.id, job.lease)));
        // The process may have stood still meanwhile, and somebody may have paused what this claim brings.
        let may_start = self.lease.may_claim(Instant::now());
        let rules = self.rules.borrow();
        let (start, back): (Vec<_>, Vec<_>) =
            jobs.into_iter().partition(|job| may_start && !rules.is_paused(job));
        self.buffer.bring(start, worker_pool::threads());
        back.iter().for_each(|job| self.outcomes.push(Outcome::untouched(job)));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    No,
    ForJobs,
    ForCapacity,
    For(Duration),
}
