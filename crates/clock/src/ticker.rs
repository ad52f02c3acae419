//! The loop: sleep until something is due, fire it, say when the next is.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use process::{Check, Complaint, Process};
use schedule::Schedule;
use tokio::time::timeout;

use crate::{
    announce::announce,
    figures::{Figures, Outcome},
    prune::prune,
    session::{Session, SessionError},
    tick::{FireError, Firer, fire},
    timeline::{Due, Timeline},
};

/// An answer of the database that takes longer counts as none.
pub(crate) const LIMIT: Duration = Duration::from_secs(8);
const AGAIN_AFTER: Duration = Duration::from_millis(250);
/// A sleeping machine does not count its sleep: look at the time this often at least.
const LONGEST_NAP: TimeDelta = TimeDelta::minutes(1);
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(60 * 60);

/// Keeps the schedules until the drain starts. Any number of clocks may do so on one database.
pub(crate) struct Ticker {
    process: Process,
    timeline: Timeline,
    firer: Firer,
    figures: Figures,
    check: Check,
}

impl Ticker {
    pub(crate) fn new(process: Process, schedules: Vec<Schedule>) -> prometheus::Result<Self> {
        Ok(Self {
            firer: Firer { instance: process.instance, release: process.release.clone() },
            figures: Figures::register(&process.metrics)?,
            check: process.health.check("ticks"),
            timeline: Timeline::new(schedules),
            process,
        })
    }

    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let drain = self.process.drain.clone();
        let mut complaint = Complaint::default();
        while !drain.is_started() {
            let Err(error) = self.keep(&mut complaint).await else { break };
            let text = process::chain(&error).to_string();
            if complaint.is_due(&text, Instant::now()) {
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
    async fn keep(&mut self, complaint: &mut Complaint) -> Result<(), SessionError> {
        let mut session = in_time(Session::open(&self.process.database)).await?;
        let names = self.timeline.schedules().map(|schedule| schedule.name.as_str()).collect();
        let known = in_time(session.known(names)).await?;
        self.timeline.learn(&known, session.wall.now());
        let mut housekeeping_at = Instant::now();
        while !self.process.drain.is_started() {
            let fired = self.fire_due(&mut session).await?;
            let housekeeping = Instant::now() >= housekeeping_at;
            let changed =
                self.timeline.upcoming().filter(|(one, _)| housekeeping || fired.contains(&one.name));
            in_time(async { Ok(announce(&mut session.connection, changed).await?) }).await?;
            if housekeeping {
                let more = in_time(async { Ok(prune(&mut session.connection).await?) }).await?;
                housekeeping_at = Instant::now() + if more { Duration::ZERO } else { HOUSEKEEPING_EVERY };
            }
            if housekeeping || session.wall.is_doubtful() {
                in_time(session.read_time()).await?;
            }
            if complaint.end() {
                tracing::info!("ticks again");
            }
            self.check.pass();
            self.nap(&session).await;
        }
        Ok(())
    }

    /// Fires what is due now. Answers with the schedules of which a tick was fired here.
    async fn fire_due(&mut self, session: &mut Session) -> Result<HashSet<String>, SessionError> {
        let now = session.wall.now();
        let mut fired = HashSet::new();
        for due in self.timeline.due(now) {
            if self.process.drain.is_started() {
                return Ok(fired);
            }
            if self.fire(&due, session).await? == Outcome::Fired {
                fired.insert(due.schedule.name.clone());
            }
            self.timeline.fired(&due);
        }
        self.timeline.settled(now);
        Ok(fired)
    }

    async fn fire(&self, due: &Due, session: &mut Session) -> Result<Outcome, SessionError> {
        let name = due.schedule.name.as_str();
        let fired = timeout(LIMIT, fire(&mut session.connection, due, &self.firer)).await;
        let late = session.wall.now() - due.at;
        let outcome = match fired.map_err(|_| SessionError::Slow)? {
            Ok(Some(job)) => {
                tracing::debug!(
                    tick.schedule = name,
                    tick.due_at = %due.at,
                    tick.late_ms = late.num_milliseconds(),
                    job.id = %job,
                    "fired"
                );
                Outcome::Fired
            }
            Ok(None) => Outcome::FiredElsewhere,
            Err(FireError::Database(error)) => return Err(error.into()),
            Err(refused @ FireError::Refused(_)) => {
                tracing::error!(
                    tick.schedule = name,
                    job.kind = due.schedule.kind,
                    "a tick is lost: {}",
                    process::chain(&refused)
                );
                Outcome::Refused
            }
        };
        self.figures.count(name, outcome, late);
        Ok(outcome)
    }

    async fn nap(&self, session: &Session) {
        let now = session.wall.now();
        let nap = self.timeline.wake_at().map_or(LONGEST_NAP, |at| (at - now).min(LONGEST_NAP));
        tokio::select! {
            () = self.process.drain.started() => {}
            () = tokio::time::sleep(nap.to_std().unwrap_or_default()) => {}
        }
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, SessionError>>) -> Result<T, SessionError> {
    timeout(LIMIT, work).await.unwrap_or(Err(SessionError::Slow))
}
