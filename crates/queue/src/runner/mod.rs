//! Claims jobs, runs them, says what became of them.

mod attempt;
mod config;
mod listen;
pub(crate) mod store;

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use database::{DatabaseUrl, Pool};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::attempt::Settled;
pub use self::config::RunnerConfig;
use crate::{Registry, error::chain};

/// Why a runner ended other than by draining.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The registry is empty: there is nothing to run.
    #[error("the registry has no handler; add one with Registry::handle")]
    NoHandlers,
}

/// Runs the jobs whose kinds its registry knows.
pub struct Runner<S> {
    pool: Pool,
    url: DatabaseUrl,
    registry: Arc<Registry<S>>,
    config: RunnerConfig,
    owner: Uuid,
}

impl<S: Clone + Send + Sync + 'static> Runner<S> {
    /// A runner that claims through `pool` and listens for new jobs on a connection of its own to `url`.
    pub fn new(pool: Pool, url: DatabaseUrl, registry: Registry<S>, config: RunnerConfig) -> Self {
        Self { pool, url, registry: Arc::new(registry), config, owner: Uuid::now_v7() }
    }

    /// Works until `drain` is cancelled and what runs has ended, at most `drain_limit` later.
    ///
    /// A database that goes away is no reason to end: the runner tries again until it is back.
    ///
    /// # Errors
    /// When it cannot start for a reason that waiting does not cure.
    pub async fn run(self, drain: CancellationToken, drain_limit: Duration) -> Result<(), RunnerError> {
        if self.registry.kinds().is_empty() {
            return Err(RunnerError::NoHandlers);
        }
        let wake = Arc::new(Notify::new());
        let listener = tokio::spawn(listen::listen(self.url.clone(), Arc::clone(&wake)));
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        self.work(&drain, &wake, &stop, &mut running).await;
        self.finish_running(drain_limit, &stop, &mut running).await;
        listener.abort();
        self.leave().await;
        Ok(())
    }

    async fn work(
        &self,
        drain: &CancellationToken,
        wake: &Notify,
        stop: &CancellationToken,
        running: &mut JoinSet<Settled>,
    ) {
        let kinds = self.registry.kinds();
        let mut renewed: Option<Instant> = None;
        let mut more = true;
        while !drain.is_cancelled() {
            if renewed.is_none_or(|at| at.elapsed() >= self.config.lease / 4) {
                match self.renew(&kinds).await {
                    Ok(()) => renewed = Some(Instant::now()),
                    Err(error) => {
                        tracing::warn!(error, "the lease was not renewed");
                        tokio::time::sleep(Duration::from_millis(500)).await;
                        continue;
                    }
                }
            }
            let free = self.config.concurrency - running.len();
            if free > 0 && more {
                match self.claim(&kinds, free).await {
                    Ok(jobs) => {
                        more = jobs.len() == free;
                        for job in jobs {
                            let (registry, stop) = (Arc::clone(&self.registry), stop.clone());
                            let release = self.config.release.clone();
                            running.spawn(async move { attempt::run(&registry, job, &release, &stop).await });
                        }
                    }
                    Err(error) => {
                        tracing::warn!(error, "no jobs could be claimed");
                        tokio::time::sleep(Duration::from_millis(500)).await;
                    }
                }
            }
            tokio::select! {
                () = drain.cancelled() => {}
                () = wake.notified() => more = true,
                () = tokio::time::sleep(self.config.poll) => more = true,
                Some(ended) = running.join_next() => {
                    self.settle(ended, running).await;
                    more = true;
                }
            }
        }
    }

    async fn renew(&self, kinds: &[&str]) -> Result<(), String> {
        let mut connection = self.pool.get().await.map_err(|error| chain(&error))?;
        store::register(&mut connection, self.owner, kinds, &self.config)
            .await
            .map_err(|error| chain(&error))?;
        let rescued = store::rescue(&mut connection).await.map_err(|error| chain(&error))?;
        for id in rescued {
            tracing::warn!(job.id = %id, "job rescued from a runner that is no longer heard of");
        }
        Ok(())
    }

    async fn claim(&self, kinds: &[&str], limit: usize) -> Result<Vec<store::Claimed>, String> {
        let mut connection = self.pool.get().await.map_err(|error| chain(&error))?;
        store::claim(&mut connection, self.owner, kinds, i64::try_from(limit).unwrap_or(i64::MAX))
            .await
            .map_err(|error| chain(&error))
    }

    async fn finish_running(
        &self,
        limit: Duration,
        stop: &CancellationToken,
        running: &mut JoinSet<Settled>,
    ) {
        let deadline = tokio::time::Instant::now() + limit;
        while !running.is_empty() {
            tokio::select! {
                Some(ended) = running.join_next() => self.settle(ended, running).await,
                () = tokio::time::sleep_until(deadline), if !stop.is_cancelled() => stop.cancel(),
            }
        }
    }

    /// Writes what became of one job, and of all others that have ended by now. Keeps trying while the
    /// database is away.
    async fn settle(&self, first: Result<Settled, tokio::task::JoinError>, running: &mut JoinSet<Settled>) {
        let mut ended = vec![first];
        while let Some(next) = running.try_join_next() {
            ended.push(next);
        }
        let (mut over, mut back, mut ids) = (Vec::new(), Vec::new(), HashSet::new());
        for settled in ended {
            match settled {
                Ok(settled) => {
                    ids.insert(settled.id());
                    match settled {
                        Settled::Over(job) => over.push(job),
                        Settled::Return(job) => back.push(job),
                    }
                }
                Err(error) => tracing::error!(error = chain(&error), "an attempt ended without an outcome"),
            }
        }
        let mut wait = Duration::from_millis(100);
        loop {
            match self.write(&over, &back).await {
                Ok(written) => {
                    for id in ids.difference(&written) {
                        tracing::warn!(job.id = %id, "lease lost: the job's outcome was not recorded");
                    }
                    return;
                }
                Err(error) => tracing::warn!(error, "outcomes could not be written; trying again"),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(5));
        }
    }

    async fn write(&self, over: &[store::Over], back: &[store::Return]) -> Result<HashSet<Uuid>, String> {
        let mut connection = self.pool.get().await.map_err(|error| chain(&error))?;
        let mut written = HashSet::new();
        if !over.is_empty() {
            let ids =
                store::finish(&mut connection, self.owner, over).await.map_err(|error| chain(&error))?;
            written.extend(ids);
        }
        if !back.is_empty() {
            let ids =
                store::give_back(&mut connection, self.owner, back).await.map_err(|error| chain(&error))?;
            written.extend(ids);
        }
        Ok(written)
    }

    async fn leave(&self) {
        let left = async {
            let mut connection = self.pool.get().await.map_err(|error| chain(&error))?;
            store::deregister(&mut connection, self.owner).await.map_err(|error| chain(&error))
        };
        if let Err(error) = left.await {
            tracing::warn!(error, "the runner could not be taken off the list; its lease will run out");
        }
    }
}
