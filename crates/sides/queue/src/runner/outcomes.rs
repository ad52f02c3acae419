//! Outcomes on their way to the database, and the loop that writes them.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    buffer::Buffer,
    in_flight::InFlight,
    metrics::Counts,
    outcome::Outcome,
    session::{Session, SessionError},
    sql::{control::Rules, finish, finish::Over, give_back, give_back::Return},
};
use crate::error::chain;

/// So many are worth a statement of their own.
const PLENTY: usize = 500;
/// How long a few wait for more to come, where many came at a time before.
const LINGER: Duration = Duration::from_millis(2);

/// What has ended and is not written yet.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    pending: Mutex<Batch>,
    arrived: Notify,
    ended: AtomicU64,
    pub(crate) counts: Counts,
}

#[derive(Debug, Default)]
struct Batch {
    finished: Vec<Over>,
    otherwise: Vec<Over>,
    back: Vec<Return>,
}

impl Batch {
    fn len(&self) -> usize {
        self.finished.len() + self.otherwise.len() + self.back.len()
    }
}

impl Outcomes {
    pub(crate) fn push(&self, outcome: Outcome) {
        self.counts.add(&outcome);
        {
            let mut pending = self.lock();
            match outcome {
                Outcome::Over(job) if job.otherwise.is_none() => pending.finished.push(job),
                Outcome::Over(job) => pending.otherwise.push(job),
                Outcome::Return(job) => pending.back.push(job),
            }
        }
        self.ended.fetch_add(1, Ordering::Relaxed);
        self.arrived.notify_one();
    }

    /// How many jobs have ended since the start.
    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    fn take(&self) -> Option<Batch> {
        let batch = std::mem::take(&mut *self.lock());
        (batch.len() > 0).then_some(batch)
    }

    fn lock(&self) -> MutexGuard<'_, Batch> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes outcomes, as many at once as have come together while the last ones were written.
pub(crate) struct Flusher {
    pub(crate) session: Session,
    pub(crate) outcomes: Arc<Outcomes>,
    pub(crate) in_flight: Arc<InFlight>,
    pub(crate) buffer: Arc<Buffer>,
    pub(crate) owner: Uuid,
    pub(crate) release: String,
    pub(crate) wake: Arc<Notify>,
    pub(crate) rules: watch::Receiver<Rules>,
    /// Nothing more will come: end when all is written.
    pub(crate) last: CancellationToken,
}

impl Flusher {
    /// Never gives up while the database is unavailable: nobody else knows what became of these jobs.
    pub(crate) async fn run(mut self) {
        self.session.warm_up(&[finish::FINISHED, give_back::GIVE_BACK]).await;
        let mut usual = 0;
        loop {
            let closing = self.last.is_cancelled();
            while let Some(batch) = self.gather(usual).await {
                usual = batch.len().max(usual / 2);
                self.write_all(batch).await;
                // There may be as many unwritten outcomes as the claimer allows.
                self.buffer.capacity.notify_one();
                // Where there are limits, what has ended makes room for others.
                if self.rules.borrow().has_limits {
                    self.wake.notify_one();
                }
            }
            if closing {
                return;
            }
            tokio::select! {
                () = self.outcomes.arrived.notified() => {}
                () = self.last.cancelled() => {}
            }
        }
    }

    /// What has come together, which is worth waiting for where it usually is much.
    async fn gather(&self, usual: usize) -> Option<Batch> {
        if usual >= PLENTY && self.outcomes.lock().len() < PLENTY && !self.last.is_cancelled() {
            tokio::time::sleep(LINGER).await;
        }
        self.outcomes.take()
    }

    async fn write_all(&mut self, mut batch: Batch) {
        let mut wait = Duration::from_millis(50);
        while let Err(error) = self.write(&mut batch).await {
            tracing::warn!(error = chain(&error), "outcomes could not be written; trying again");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(2));
        }
    }

    /// What is written leaves the batch, so that a second try writes only the rest.
    async fn write(&mut self, batch: &mut Batch) -> Result<(), SessionError> {
        if !batch.finished.is_empty() {
            let jobs = &batch.finished;
            let written = finish::finished(&mut self.session, self.owner, &self.release, jobs).await?;
            self.over(written, jobs).await?;
            batch.finished.clear();
        }
        if !batch.otherwise.is_empty() {
            let jobs = &batch.otherwise;
            let written = finish::otherwise(&mut self.session, self.owner, &self.release, jobs).await?;
            self.over(written, jobs).await?;
            batch.otherwise.clear();
        }
        if !batch.back.is_empty() {
            let jobs = &batch.back;
            let written = give_back::give_back(&mut self.session, self.owner, &self.release, jobs).await?;
            for job in jobs.iter().filter(|job| !written.contains(&job.id)) {
                self.say_lost(job.id);
            }
            self.in_flight.remove(jobs.iter().map(|job| (job.id, job.lease)));
            batch.back.clear();
        }
        Ok(())
    }

    async fn over(&mut self, written: u64, jobs: &[Over]) -> Result<(), SessionError> {
        // Fewer than given: lost, or written by a first try whose answer did not arrive.
        if written < jobs.len() as u64 {
            for id in finish::missing(&mut self.session, self.owner, jobs).await? {
                self.say_lost(id);
            }
        }
        self.in_flight.remove(jobs.iter().map(|job| (job.id, job.lease)));
        Ok(())
    }

    fn say_lost(&self, id: Uuid) {
        self.outcomes.counts.add_lost();
        tracing::warn!(job.id = %id, "lease lost: another runner may have the job, its outcome here is not recorded");
    }
}
