//! The loop: sleep until something is due or changed, fire it, record when the next is due.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use ::schema::schedules;
use chrono::TimeDelta;
use process::{Check, Complaint, Process};
use schedule::Schedule;
use tokio::time::timeout;

use crate::{
    Time,
    announce::{announce, withdraw},
    metrics::{Metrics, Outcome},
    orders::Run,
    session::{LIMIT, Session, SessionError},
    tick::{BATCH, FireError, Fired, Firer, fire},
    timeline::{Due, Timeline},
};

const AGAIN_AFTER: Duration = Duration::from_millis(250);
/// A sleeping machine does not count its sleep, and a notification may be lost: look this often at least.
const LONGEST_NAP: Duration = Duration::from_secs(60);
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(60 * 60);
/// What is due next is said for people: it must not keep the next tick waiting.
const ANNOUNCE_EVERY: Duration = Duration::from_millis(200);
const ANNOUNCE_MOST: usize = 200;

/// Keeps the schedules until the drain starts. Any number of schedulers may do so on one database.
pub(crate) struct Ticker {
    process: Process,
    time: Arc<dyn Time>,
    code: Vec<Schedule>,
    timeline: Timeline,
    runs: Vec<Run>,
    unannounced: BTreeSet<String>,
    announced_at: Instant,
    orders_at: Instant,
    housekeeping_at: Instant,
    firer: Firer,
    metrics: Metrics,
    check: Check,
    complaint: Complaint,
    faults: Vec<String>,
}

impl Ticker {
    pub(crate) fn new(
        process: Process,
        schedules: Vec<Schedule>,
        time: Arc<dyn Time>,
    ) -> prometheus::Result<Self> {
        let now = Instant::now();
        Ok(Self {
            firer: Firer {
                process: process.name,
                instance: process.instance,
                release: process.release.clone(),
            },
            metrics: Metrics::register(&process.metrics)?,
            check: process.health.check("ticks"),
            process,
            time,
            code: schedules,
            timeline: Timeline::default(),
            runs: Vec::new(),
            unannounced: BTreeSet::new(),
            announced_at: now,
            orders_at: now,
            housekeeping_at: now,
            complaint: Complaint::default(),
            faults: Vec::new(),
        })
    }

    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let drain = self.process.drain.clone();
        while !drain.is_started() {
            let Err(error) = self.keep().await else { break };
            let text = process::chain(&error).to_string();
            if self.complaint.is_due(&text, Instant::now()) {
                tracing::warn!("no ticks, trying again: {text}");
            }
            self.check.fail(text);
            tokio::select! {
                () = drain.started() => {}
                () = tokio::time::sleep(AGAIN_AFTER) => {}
            }
        }
        Ok(())
    }

    /// Fires over one connection, until the drain starts or the connection is lost.
    async fn keep(&mut self) -> Result<(), SessionError> {
        let mut session = in_time(Session::open(&self.process.database, self.time.clone())).await?;
        in_time(self.read_orders(&mut session)).await?;
        let names: Vec<String> = self.timeline.names().map(str::to_owned).collect();
        in_time(self.learn(&mut session, &names)).await?;
        tracing::info!("schedules: {}", self.timeline.len());
        while !self.process.drain.is_started() {
            if session.wall.is_doubtful() {
                in_time(session.read_time()).await?;
            }
            self.fire_due(&mut session).await?;
            self.fire_runs(&mut session).await?;
            in_time(self.announce(&mut session)).await?;
            if Instant::now() >= self.housekeeping_at {
                in_time(self.keep_house(&mut session)).await?;
            }
            if self.complaint.end() {
                tracing::info!("ticks again");
            }
            self.check.pass();
            if self.nap(&mut session).await? || self.orders_at.elapsed() >= LONGEST_NAP {
                in_time(self.read_orders(&mut session)).await?;
            }
        }
        Ok(())
    }

    /// Takes up what people asked for since.
    async fn read_orders(&mut self, session: &mut Session) -> Result<(), SessionError> {
        let orders = session.orders().await?;
        self.orders_at = Instant::now();
        let (entries, faults) = orders.entries(&self.code);
        for fault in faults.iter().filter(|fault| !self.faults.contains(fault)) {
            tracing::error!("{fault}");
        }
        self.faults = faults;
        self.runs = orders.runs;
        let changed = self.timeline.set(entries);
        self.learn(session, &changed.unknown).await?;
        Ok(withdraw(&mut session.connection, &changed.removed).await?)
    }

    async fn learn(&mut self, session: &mut Session, names: &[String]) -> Result<(), SessionError> {
        if names.is_empty() {
            return Ok(());
        }
        let known = session.known(names).await?;
        self.timeline.learn(&known, session.wall.now());
        self.unannounced.extend(names.iter().cloned());
        Ok(())
    }

    /// Fires what is due now.
    async fn fire_due(&mut self, session: &mut Session) -> Result<(), SessionError> {
        let round = self.timeline.due(session.wall.now(), 4 * BATCH);
        for batch in round.due.chunks(BATCH) {
            if self.process.drain.is_started() {
                return Ok(());
            }
            self.fire(batch, session).await?;
        }
        self.timeline.complete(&round);
        Ok(())
    }

    /// Fires what people asked for. What this scheduler does not know, another one may.
    async fn fire_runs(&mut self, session: &mut Session) -> Result<(), SessionError> {
        let due: Vec<Due> = self
            .runs
            .iter()
            .filter_map(|run| {
                let schedule = self.timeline.find(&run.schedule)?.clone();
                Some(Due { schedule, at: run.asked_at, asked_by: Some(run.asked_by.clone()) })
            })
            .collect();
        for batch in due.chunks(BATCH) {
            self.fire(batch, session).await?;
        }
        self.runs.clear();
        Ok(())
    }

    async fn fire(&mut self, batch: &[Due], session: &mut Session) -> Result<(), SessionError> {
        let fired = match fire_in_time(session, batch, &self.firer).await? {
            Ok(fired) => fired,
            Err(error) if batch.len() == 1 => {
                self.lose(&batch[0], &error);
                return Ok(());
            }
            // One of them is not a job: all the others are fired one by one.
            Err(_) => return Box::pin(self.fire_each(batch, session)).await,
        };
        let now = session.wall.now();
        for (due, fired) in batch.iter().zip(fired) {
            let late = now - due.at;
            self.metrics.count(
                if fired == Fired::ByAnother { Outcome::FiredByAnother } else { Outcome::Fired },
                late,
            );
            if let Fired::Here(job) = fired {
                tracing::debug!(
                    tick.schedule = due.schedule.name,
                    tick.due_at = %due.at,
                    tick.late_ms = late.num_milliseconds(),
                    job.id = job.map(|job| job.to_string()),
                    "fired"
                );
                self.unannounced.insert(due.schedule.name.clone());
            }
            self.timeline.fired(due);
        }
        Ok(())
    }

    async fn fire_each(&mut self, batch: &[Due], session: &mut Session) -> Result<(), SessionError> {
        for due in batch {
            self.fire(std::slice::from_ref(due), session).await?;
        }
        Ok(())
    }

    fn lose(&mut self, due: &Due, error: &FireError) {
        tracing::error!(
            tick.schedule = due.schedule.name,
            job.kind = due.schedule.kind,
            "a tick is lost: {}",
            process::chain(error)
        );
        self.metrics.count(Outcome::Refused, TimeDelta::zero());
        self.timeline.fired(due);
    }

    async fn announce(&mut self, session: &mut Session) -> Result<(), SessionError> {
        if self.unannounced.is_empty() || self.announced_at.elapsed() < ANNOUNCE_EVERY {
            return Ok(());
        }
        let some: Vec<String> = self.unannounced.iter().take(ANNOUNCE_MOST).cloned().collect();
        announce(&mut session.connection, self.timeline.upcoming(&some)).await?;
        for name in &some {
            self.unannounced.remove(name);
        }
        self.announced_at = Instant::now();
        Ok(())
    }

    async fn keep_house(&mut self, session: &mut Session) -> Result<(), SessionError> {
        let more = schedules::prune(&mut session.connection).await?;
        if !more {
            self.unannounced.extend(self.timeline.names().map(str::to_owned));
        }
        self.housekeeping_at = Instant::now() + if more { Duration::ZERO } else { HOUSEKEEPING_EVERY };
        Ok(())
    }

    /// Sleeps until something is due; whether someone changed something before.
    async fn nap(&mut self, session: &mut Session) -> Result<bool, SessionError> {
        let mut nap = LONGEST_NAP;
        if let Some(at) = self.timeline.wake_at() {
            nap = nap.min((at - session.wall.now()).to_std().unwrap_or_default());
        }
        if !self.unannounced.is_empty() {
            nap = nap.min(ANNOUNCE_EVERY.saturating_sub(self.announced_at.elapsed()));
        }
        tokio::select! {
            biased;
            () = self.process.drain.started() => Ok(false),
            changed = session.changed() => changed.map(|()| true),
            () = tokio::time::sleep(nap) => Ok(false),
        }
    }
}

/// Fires a batch. The inner error is a job that the queue will never take.
async fn fire_in_time(
    session: &mut Session,
    batch: &[Due],
    firer: &Firer,
) -> Result<Result<Vec<Fired>, FireError>, SessionError> {
    match timeout(LIMIT, fire(&mut session.connection, batch, firer)).await {
        Err(_) => Err(SessionError::Slow),
        Ok(Err(FireError::Database(error))) => Err(error.into()),
        Ok(outcome) => Ok(outcome),
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, SessionError>>) -> Result<T, SessionError> {
    timeout(LIMIT, work).await.unwrap_or(Err(SessionError::Slow))
}
