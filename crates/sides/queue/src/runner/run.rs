//! A runner's life, from its registration to its leaving.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use database::DatabaseUrl;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    RunnerConfig,
    buffer::Buffer,
    claimer::Claimer,
    heartbeat::Heartbeat,
    in_flight::InFlight,
    lease::Lease,
    listener::{self, Listener},
    outcome::Outcome,
    outcomes::{Flusher, Outcomes},
    presence::Presence,
    report::{Part, Report},
    rescues::Rescues,
    session::Session,
    sql::{self, control::Rules},
    stop::StopReason,
    sweep::Sweep,
    unpark,
    vacuum::Vacuum,
    watch::Watch,
    worker_pool::{PoolContext, WorkerPool},
};
use crate::{Registry, error::chain};

/// How often slots are looked after.
const LOOK: Duration = Duration::from_millis(100);
/// Who looks through everything, or vacuums, may have to pass millions of rows.
const UNHURRIED: Duration = Duration::from_secs(600);

/// Why a runner ended other than by draining.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The registry is empty: there is nothing to run.
    #[error("the registry has no handler; add one with Registry::handle")]
    NoHandlers,
    /// The system gives no threads.
    #[error("no threads for handlers: {0}")]
    Threads(#[source] std::io::Error),
    /// A part of the runner itself panicked: its jobs are rescued when its lease has run out.
    #[error("the runner itself failed: {0}")]
    Broken(#[source] tokio::task::JoinError),
}

/// Runs the jobs whose kinds its registry knows.
///
/// ```no_run
/// use std::time::Duration;
///
/// use sides_queue::{CancellationToken, Context, DatabaseUrl, Job, JobError, Part, Registry, Runner, RunnerConfig};
///
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Welcome { name: String }
/// # impl Job for Welcome { const KIND: &'static str = "welcome"; }
/// # async fn welcome(_: Welcome, _: Context<()>) -> Result<(), JobError> { Ok(()) }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let url: DatabaseUrl = std::env::var("DATABASE_URL")?.parse()?;
/// let registry = Registry::new(()).handle::<Welcome, _>(welcome);
/// let config = RunnerConfig { concurrency: 32, release: "shop 1.4".to_owned(), ..RunnerConfig::default() };
/// let runner = Runner::new(url, registry, config).report(|part: Part, fault| match fault {
///     Some(fault) => eprintln!("{part:?}: {fault}"),
///     None => eprintln!("{part:?} is well"),
/// });
/// // How many jobs run, for a metric.
/// let busy = runner.busy();
///
/// let drain = CancellationToken::new();
/// let working = tokio::spawn(runner.run(drain.clone(), Duration::from_secs(20)));
/// println!("{} jobs run", busy());
/// // On SIGTERM: nothing new starts, and what runs has 20 seconds.
/// drain.cancel();
/// working.await??;
/// # Ok(())
/// # }
/// ```
pub struct Runner<S> {
    url: DatabaseUrl,
    registry: Registry<S>,
    config: RunnerConfig,
    owner: Uuid,
    pub(super) buffer: Arc<Buffer>,
    pub(super) outcomes: Arc<Outcomes>,
    report: Report,
}

/// What the parts of a running runner share.
struct Parts<S> {
    place: Arc<PoolContext<S>>,
    in_flight: Arc<InFlight>,
    lease: Arc<Lease>,
    listener: Arc<Listener>,
    owner: Uuid,
    config: RunnerConfig,
}

impl<S: Clone + Send + Sync + 'static> Runner<S> {
    /// A runner with five connections of its own to `url`: to claim, to write outcomes, to keep its lease, to look for
    /// jobs that appeared late, and to listen for new ones; where many jobs come and go a sixth one vacuums. The one that
    /// listens also shows others that it lives: they take its jobs within two seconds when its
    /// process is killed. Where `url` leads through a transaction pooler, when its lease has run out.
    pub fn new(url: DatabaseUrl, registry: Registry<S>, config: RunnerConfig) -> Self {
        Self {
            url,
            registry,
            config,
            owner: Uuid::now_v7(),
            buffer: Arc::default(),
            outcomes: Arc::default(),
            report: Report::default(),
        }
    }

    /// Calls `tell` with what is wrong with a part of the runner, and with `None` when it is well (again). A process is
    /// not ready before all parts are well. Called often, from the runner's own tasks: it must not block.
    #[must_use]
    pub fn report(mut self, tell: impl Fn(Part, Option<&str>) + Send + Sync + 'static) -> Self {
        self.report = Report(Some(Arc::new(tell)));
        self
    }

    /// Works until `shutdown` completes and what runs has ended, at most `drain_limit` later: for an application whose
    /// shutdown is a future, as axum's is.
    ///
    /// # Errors
    /// As [`Runner::run`].
    pub async fn run_until(
        self,
        shutdown: impl Future<Output = ()>,
        drain_limit: Duration,
    ) -> Result<(), RunnerError> {
        let drain = CancellationToken::new();
        let mut running = std::pin::pin!(self.run(drain.clone(), drain_limit));
        tokio::select! {
            ended = &mut running => return ended,
            () = shutdown => drain.cancel(),
        }
        running.await
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
        let Self { url, registry, config, owner, buffer, outcomes, report } = self;
        let lease = Arc::new(Lease::new(config.lease));
        let parts = Parts {
            place: Arc::new(PoolContext {
                registry,
                buffer,
                outcomes,
                lease: Arc::clone(&lease),
                grace: config.grace,
            }),
            in_flight: Arc::new(InFlight::default()),
            lease,
            listener: Arc::new(Listener::default()),
            owner,
            config: config.clone(),
        };
        let mut pool =
            WorkerPool::start(Arc::clone(&parts.place), config.concurrency).map_err(RunnerError::Threads)?;
        let session = |patience| Session::new(url.clone(), patience);

        // Aborted when this future is dropped.
        let mut background = JoinSet::new();
        let presence = Arc::new(Presence::new(owner, url.clone(), config.lease));
        let (hearing, shown) = (Arc::clone(&parts.listener), Arc::clone(&presence));
        background.spawn(listener::listen(url.clone(), hearing, shown, report.clone()));
        let (cancel, mut cancelled) = mpsc::unbounded_channel();
        let (rules_sender, mut rules) = watch::channel(Rules::default());
        let beat = Heartbeat {
            session: session(config.lease / 4),
            lease: Arc::clone(&parts.lease),
            owner,
            kinds: kinds.clone(),
            config: config.clone(),
            control: Arc::clone(&parts.listener.control),
            cancelled: cancel,
            rules: rules_sender,
            report,
            presence,
            watch: Watch::new(Instant::now()),
            rescues: Rescues::default(),
            presumed_dead: 0,
        };
        background.spawn(beat.run());
        let unhurried = || Session::new(url.with_setting("statement_timeout", "0"), UNHURRIED);
        background.spawn(parts.sweep(unhurried(), kinds.clone(), rules.clone()).run());
        let outcomes = Arc::clone(&parts.place.outcomes);
        background.spawn(Vacuum { session: unhurried(), outcomes }.run());
        let (place, wake) = (Arc::clone(&parts.place), Arc::clone(&parts.listener.jobs));
        background.spawn(unpark::unpark(session(config.lease), place, wake));
        let mut claiming = JoinSet::new();
        claiming.spawn(parts.claimer(session(config.lease / 2), kinds, rules.clone()).run(drain.clone()));
        let last = CancellationToken::new();
        let mut writing = JoinSet::new();
        writing.spawn(parts.flusher(session(config.lease / 2), rules.clone(), last.clone()).run());

        // Working: until the claimer ends, which it does when the drain begins.
        loop {
            tokio::select! {
                Some(ended) = claiming.join_next() => break ended.map_err(RunnerError::Broken)?,
                Some(Err(error)) = background.join_next() => return Err(RunnerError::Broken(error)),
                Some(Err(error)) = writing.join_next() => return Err(RunnerError::Broken(error)),
                Some((id, reason)) = cancelled.recv() => parts.cancel(&pool, id, &reason),
                Ok(()) = rules.changed() => parts.release_paused(&rules.borrow_and_update()),
                () = tokio::time::sleep(LOOK) => parts.look_after(&mut pool),
            }
        }
        parts.finish(&mut pool, drain_limit).await;
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
    fn claimer(&self, session: Session, kinds: Vec<&'static str>, rules: watch::Receiver<Rules>) -> Claimer {
        Claimer {
            session,
            buffer: Arc::clone(&self.place.buffer),
            outcomes: Arc::clone(&self.place.outcomes),
            in_flight: Arc::clone(&self.in_flight),
            lease: Arc::clone(&self.lease),
            wake: Arc::clone(&self.listener.jobs),
            late: Arc::clone(&self.listener.late),
            owner: self.owner,
            kinds,
            config: self.config.clone(),
            rules,
        }
    }

    fn sweep(&self, session: Session, kinds: Vec<&'static str>, rules: watch::Receiver<Rules>) -> Sweep {
        Sweep {
            session,
            late: Arc::clone(&self.listener.late),
            wake: Arc::clone(&self.listener.jobs),
            kinds,
            poll: self.config.poll,
            rules,
        }
    }

    fn flusher(&self, session: Session, rules: watch::Receiver<Rules>, last: CancellationToken) -> Flusher {
        Flusher {
            session,
            outcomes: Arc::clone(&self.place.outcomes),
            in_flight: Arc::clone(&self.in_flight),
            buffer: Arc::clone(&self.place.buffer),
            owner: self.owner,
            release: self.config.release.clone(),
            wake: Arc::clone(&self.listener.jobs),
            rules,
            last,
        }
    }

    fn look_after(&self, pool: &mut WorkerPool<S>) {
        pool.look_after();
        if self.lease.is_lost(Instant::now()) {
            self.release_ready();
            pool.stop(&StopReason::LeaseLost, |_| true);
        }
    }

    fn cancel(&self, pool: &WorkerPool<S>, id: Uuid, reason: &str) {
        for job in self.place.buffer.clear_where(|job| job.id == id) {
            self.place.outcomes.push(Outcome::over(&job, Duration::ZERO, "cancelled", reason.to_owned()));
        }
        pool.stop(&StopReason::Cancelled(reason.to_owned()), |job| job.id == id);
    }

    /// What is paused does not start, although it was claimed.
    fn release_paused(&self, rules: &Rules) {
        for job in self.place.buffer.clear_where(|job| rules.is_paused(job)) {
            self.place.outcomes.push(Outcome::untouched(&job));
        }
        self.listener.jobs.notify_one();
    }

    /// What no slot has started goes back as if it had not been claimed.
    fn release_ready(&self) {
        for job in self.place.buffer.clear() {
            self.place.outcomes.push(Outcome::untouched(&job));
        }
    }

    /// Lets what runs end, until the limit; then tells it to stop.
    async fn finish(&self, pool: &mut WorkerPool<S>, limit: Duration) {
        self.release_ready();
        self.place.buffer.close();
        let deadline = tokio::time::Instant::now() + limit;
        while self.place.buffer.busy() > 0 {
            tokio::select! {
                () = self.place.buffer.capacity.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
            self.look_after(pool);
            if tokio::time::Instant::now() >= deadline {
                pool.stop(&StopReason::Drain, |_| true);
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
