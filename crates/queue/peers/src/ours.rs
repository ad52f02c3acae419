//! Ours.

use std::time::{Duration, Instant};

use database::DatabaseUrl;
use queue::{Context, JobError, Registry, Runner, RunnerConfig};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{counting, place};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Nothing {}

impl jobs::Job for Nothing {
    const KIND: &'static str = "nothing";
}

async fn nothing(_: Nothing, _: Context<()>) -> Result<(), JobError> {
    counting::ran();
    Ok(())
}

pub async fn drain(url: &DatabaseUrl, jobs: u64, concurrency: usize) -> Duration {
    migrate::up(url).await.expect("the migrations apply");
    let mut c = database::connect(url).await.expect("the server answers");
    for _ in 0..jobs.div_ceil(10_000) {
        let some = vec![Nothing {}; jobs.min(10_000) as usize];
        queue::enqueue_all(&mut c, &some).await.expect("enqueued");
    }
    let client = database::client(url).await.expect("the server answers");
    place::settle(&client).await;
    let registry = Registry::new(()).handle::<Nothing, _>(nothing);
    let drain = CancellationToken::new();
    let config = RunnerConfig { concurrency, ..RunnerConfig::default() };
    let began = Instant::now();
    let runner = Runner::new(url.clone(), registry, config);
    let running = tokio::spawn(runner.run(drain.clone(), Duration::from_secs(10)));
    let done = || place::says(&client, "SELECT NOT EXISTS (SELECT FROM sides.fang_tasks)");
    let took = counting::time(began, jobs, done).await;
    drain.cancel();
    running.await.expect("it does not panic").expect("it ends well");
    took
}
