//! A runner's life, from its registration to its leaving.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use database::DatabaseUrl;
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    RunnerConfig,
    claimer::Claimer,
    crew::{Crew, Workplace},
    desk::Desk,
    heartbeat::Heartbeat,
    held::Held,
    lease::Lease,
    listen,
    outcomes::{Flusher, Outcomes},
    session::Session,
    settled::Settled,
    sql,
    stop::StopReason,
};
use crate::{Registry, error::chain};

/// How often slots are looked after.
const LOOK: Duration = Duration::from_millis(100);

/// Why a runner ended other than by draining.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The registry is empty: there is nothing to run.
    #[error("the registry has no handler; add one with Registry::handle")]
    NoHandlers,
    /// The system gives no threads.
    #[error("no threads for handlers")]
    Threads(#[source] std::io::Error),
    /// A part of the runner itself panicked: its jobs are rescued when its lease has run out.
    #[error("the runner itself failed")]
    Broken(#[source] tokio::task::JoinError),
}

/// Runs the jobs whose kinds its registry knows.
pub struct Runner<S> {
    url: DatabaseUrl,
    registry: Registry<S>,
    config: RunnerConfig,
    owner: Uuid,
}

/// What the parts of a running runner share.
struct Parts<S> {
    place: Arc<Workplace<S>>,
    held: Arc<Held>,
    lease: Arc<Lease>,
    wake: Arc<Notify>,
}

impl<S: Clone + Send + Sync + 'static> Runner<S> {
    /// A runner with four connections of its own to `url`: to claim, to write outcomes, to keep its lease, and
    /// to listen for new jobs.
    pub fn new(url: DatabaseUrl, registry: Registry<S>, config: RunnerConfig) -> Self {
        Self { url, registry, config, owner: Uuid::now_v7() }
    }

    /// Works until `drain` is cancelled and what runs has ended, at most `drain_limit` later.
    ///
    /// A database that goes away is no reason to end: the runner tries again until it is back.
    ///
    /// # Errors
    /// When it cannot start for a reason that waiting does not cure.
    pub async fn run(self, drain: CancellationToken, drain_limit: Duration) -> Result<(), RunnerError> {
        let kinds = self.registry.kinds();
        if kinds.is_empty() {
            return Err(RunnerError::NoHandlers);
        }
        let Self { url, registry, config, owner } = self;
        let parts = Parts {
            place: Arc::new(Workplace {
                registry,
                desk: Arc::new(Desk::default()),
                outcomes: Arc::new(Outcomes::default()),
                grace: config.grace,
            }),
            held: Arc::new(Held::default()),
            lease: Arc::new(Lease::new(config.lease)),
            wake: Arc::new(Notify::new()),
        };
        let mut crew =
            Crew::start(Arc::clone(&parts.place), config.concurrency).map_err(RunnerError::Threads)?;
        let session = |patience| Session::new(url.clone(), patience);

        // Aborted when this future is dropped.
        let mut background = JoinSet::new();
        background.spawn(listen::listen(url.clone(), Arc::clone(&parts.wake)));
        background
            .spawn(parts.heartbeat(session(config.lease / 4), owner, kinds.clone(), config.clone()).run());
        let mut claiming = JoinSet::new();
        claiming
            .spawn(parts.claimer(session(config.lease / 2), owner, kinds, config.clone()).run(drain.clone()));
        let last = CancellationToken::new();
        let mut writing = JoinSet::new();
        writing.spawn(parts.flusher(session(config.lease / 2), owner, &config, last.clone()).run());

        // Working: until the claimer ends, which it does when the drain begins.
        loop {
            tokio::select! {
                Some(ended) = claiming.join_next() => break ended.map_err(RunnerError::Broken)?,
                Some(Err(error)) = background.join_next() => return Err(RunnerError::Broken(error)),
                Some(Err(error)) = writing.join_next() => return Err(RunnerError::Broken(error)),
                () = tokio::time::sleep(LOOK) => parts.look_after(&mut crew),
            }
        }
        parts.finish(&mut crew, drain_limit).await;
        last.cancel();
        let written = tokio::time::timeout(config.lease, writing.join_next()).await.is_ok();
        background.shutdown().await;
        if written {
            leave(session(Duration::from_secs(5)), owner).await;
        } else {
            tracing::warn!(
                "not all outcomes could be written; these jobs run again when the lease has run out"
            );
        }
        Ok(())
    }
}

impl<S: Clone + Send + Sync + 'static> Parts<S> {
    fn heartbeat(
        &self,
        session: Session,
        owner: Uuid,
        kinds: Vec<&'static str>,
        config: RunnerConfig,
    ) -> Heartbeat {
        Heartbeat { session, lease: Arc::clone(&self.lease), owner, kinds, config }
    }

    fn claimer(
        &self,
        session: Session,
        owner: Uuid,
        kinds: Vec<&'static str>,
        config: RunnerConfig,
    ) -> Claimer {
        Claimer {
            session,
            desk: Arc::clone(&self.place.desk),
            outcomes: Arc::clone(&self.place.outcomes),
            held: Arc::clone(&self.held),
            lease: Arc::clone(&self.lease),
            wake: Arc::clone(&self.wake),
            owner,
            kinds,
            config,
        }
    }

    fn flusher(
        &self,
        session: Session,
        owner: Uuid,
        config: &RunnerConfig,
        last: CancellationToken,
    ) -> Flusher {
        Flusher {
            session,
            outcomes: Arc::clone(&self.place.outcomes),
            held: Arc::clone(&self.held),
            owner,
            release: config.release.clone(),
            last,
        }
    }

    fn look_after(&self, crew: &mut Crew<S>) {
        crew.look_after();
        if self.lease.is_lost(Instant::now()) {
            self.release_ready();
            crew.stop(&StopReason::LeaseLost, |_| true);
        }
    }

    /// What no slot has started goes back as if it had not been claimed.
    fn release_ready(&self) {
        for job in self.place.desk.clear() {
            self.place.outcomes.push(Settled::untouched(&job));
        }
    }

    /// Lets what runs end, until the limit; then tells it to stop.
    async fn finish(&self, crew: &mut Crew<S>, limit: Duration) {
        self.release_ready();
        self.place.desk.close();
        let deadline = tokio::time::Instant::now() + limit;
        while self.place.desk.busy() > 0 {
            tokio::select! {
                () = self.place.desk.capacity.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
            self.look_after(crew);
            if tokio::time::Instant::now() >= deadline {
                crew.stop(&StopReason::Drain, |_| true);
            }
        }
    }
}

async fn leave(mut session: Session, owner: Uuid) {
    if let Err(error) = sql::lease::deregister(&mut session, owner).await {
        tracing::warn!(
            error = chain(&error),
            "the runner could not be taken off the list; its lease will run out"
        );
    }
}
