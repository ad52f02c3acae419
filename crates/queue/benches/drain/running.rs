//! Runners drain jobs.

use std::time::{Duration, Instant};

use queue::{Context, JobError, Registry, Runner, RunnerConfig};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{figures::Table, place::Place};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Nothing {}

impl jobs::Job for Nothing {
    const KIND: &'static str = "nothing";
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Nap {}

impl jobs::Job for Nap {
    const KIND: &'static str = "nap";
}

async fn nothing(_: Nothing, _: Context<()>) -> Result<(), JobError> {
    Ok(())
}

async fn nap(_: Nap, _: Context<()>) -> Result<(), JobError> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(())
}

pub(crate) async fn measure(place: &Place, jobs: u64, backlog: u64, table: &mut Table) {
    for (runners, concurrency) in [(1, 16), (1, 100), (2, 16)] {
        place.fill(jobs, "nothing").await;
        let took = drain(place, runners, concurrency, "nothing").await;
        table.drained(&format!("no-op jobs, {runners} runner(s), concurrency {concurrency}"), jobs, took);
    }
    place.fill(jobs / 10, "nap").await;
    let took = drain(place, 1, 100, "nap").await;
    table.rate("1 ms handlers, concurrency 100", jobs / 10, took);

    // Nothing that is deleted from here on can be vacuumed.
    place.fill(jobs, "nothing").await;
    let mut holder = place.client().await;
    let snapshot =
        holder.build_transaction().isolation_level(tokio_postgres::IsolationLevel::RepeatableRead).start();
    let snapshot = snapshot.await.unwrap();
    snapshot.query_one("SELECT count(*) FROM sides.fang_tasks", &[]).await.unwrap();
    let took = drain(place, 1, 100, "nothing").await;
    table.drained("no-op jobs, a held snapshot stops vacuum", jobs, took);
    snapshot.rollback().await.unwrap();

    place.fill(backlog + jobs, "nothing").await;
    let took = drain_some(place, jobs).await;
    table.drained(&format!("no-op jobs, {backlog} more behind them"), jobs, took);
}

/// How long runners need for all there is.
async fn drain(place: &Place, runners: usize, concurrency: usize, kind: &str) -> Duration {
    let drain = CancellationToken::new();
    let began = Instant::now();
    let running = start(place, runners, concurrency, &drain);
    let client = place.client().await;
    let left = "SELECT EXISTS (SELECT FROM sides.fang_tasks WHERE kind = $1)";
    while client.query_one(left, &[&kind]).await.unwrap().get(0) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed();
    drain.cancel();
    for one in running {
        one.await.unwrap().unwrap();
    }
    took
}

/// How long one runner needs for so many, of many more.
async fn drain_some(place: &Place, jobs: u64) -> Duration {
    let drain = CancellationToken::new();
    let began = Instant::now();
    let running = start(place, 1, 100, &drain);
    let client = place.client().await;
    let done = "SELECT count(*) >= $1 FROM sides.job_history";
    let wanted = i64::try_from(jobs).unwrap();
    while !client.query_one(done, &[&wanted]).await.unwrap().get::<_, bool>(0) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = began.elapsed();
    drain.cancel();
    for one in running {
        one.await.unwrap().unwrap();
    }
    took
}

type Running = tokio::task::JoinHandle<Result<(), queue::RunnerError>>;

pub(crate) fn start(
    place: &Place,
    runners: usize,
    concurrency: usize,
    drain: &CancellationToken,
) -> Vec<Running> {
    (0..runners)
        .map(|_| {
            let registry = Registry::new(()).handle::<Nothing, _>(nothing).handle::<Nap, _>(nap);
            let config = RunnerConfig { concurrency, ..RunnerConfig::default() };
            let runner = Runner::new(place.url.clone(), registry, config);
            tokio::spawn(runner.run(drain.clone(), Duration::from_secs(10)))
        })
        .collect()
}
