//! The jobs that are drained, and runners that know them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sides_queue::{Context, JobError, Registry, Runner, RunnerConfig, RunnerError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{figures::number, place::Place};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Nothing {}

impl job::Job for Nothing {
    const KIND: &'static str = "nothing";
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Nap {}

impl job::Job for Nap {
    const KIND: &'static str = "nap";
}

async fn nothing(_: Nothing, _: Context<()>) -> Result<(), JobError> {
    Ok(())
}

async fn nap(_: Nap, _: Context<()>) -> Result<(), JobError> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(())
}

/// Runners at work.
pub(crate) struct Running {
    drain: CancellationToken,
    runners: Vec<JoinHandle<Result<(), RunnerError>>>,
}

impl Running {
    pub(crate) fn start(place: &Place, runners: usize, concurrency: usize) -> Self {
        let drain = CancellationToken::new();
        let start = |_| {
            let registry = Registry::new(()).handle::<Nothing, _>(nothing).handle::<Nap, _>(nap);
            let prefetch = usize::try_from(number("BENCH_PREFETCH", 5000)).unwrap();
            let config = RunnerConfig { concurrency, prefetch, ..RunnerConfig::default() };
            let runner = Runner::new(place.url.clone(), registry, config);
            tokio::spawn(runner.run(drain.clone(), Duration::from_secs(10)))
        };
        let runners = (0..runners).map(start).collect();
        Self { drain, runners }
    }

    pub(crate) async fn stop(self) {
        self.drain.cancel();
        for one in self.runners {
            one.await.unwrap().unwrap();
        }
    }
}

/// Runners at work that say how many jobs have run.
pub(crate) struct Counting {
    pub(crate) ended: Arc<AtomicU64>,
    running: Running,
}

async fn count(_: Nothing, context: Context<Arc<AtomicU64>>) -> Result<(), JobError> {
    context.state.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

impl Counting {
    pub(crate) fn start(place: &Place, runners: usize, concurrency: usize) -> Self {
        let (drain, ended) = (CancellationToken::new(), Arc::new(AtomicU64::new(0)));
        let start = |_| {
            let registry = Registry::new(Arc::clone(&ended)).handle::<Nothing, _>(count);
            let config = RunnerConfig { concurrency, ..RunnerConfig::default() };
            let runner = Runner::new(place.url.clone(), registry, config);
            tokio::spawn(runner.run(drain.clone(), Duration::from_secs(10)))
        };
        let runners = (0..runners).map(start).collect();
        Self { ended, running: Running { drain, runners } }
    }

    pub(crate) async fn stop(self) {
        self.running.stop().await;
    }
}
