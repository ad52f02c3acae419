//! graphile_worker with its local queue and batched completion.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use database::DatabaseUrl;
use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, RawJobSpec, TaskHandler, WorkerContext, WorkerOptions,
};
use serde::{Deserialize, Serialize};

use crate::{counting, place};

#[derive(Serialize, Deserialize)]
struct Nothing {}

impl TaskHandler for Nothing {
    const IDENTIFIER: &'static str = "nothing";

    async fn run(self, _: WorkerContext) -> impl IntoTaskHandlerResult {
        counting::ran();
        Ok::<(), String>(())
    }
}

pub async fn drain(url: &DatabaseUrl, jobs: u64, concurrency: usize) -> Duration {
    let worker = WorkerOptions::default()
        .database_url(&url.expose())
        .max_pg_conn(20)
        .schema("graphile_worker")
        .concurrency(concurrency)
        .poll_interval(Duration::from_millis(5))
        .complete_job_batch_delay(Duration::from_millis(5))
        .local_queue(LocalQueueConfig::default().with_size(5000))
        .listen_os_shutdown_signals(false)
        .define_job::<Nothing>();
    let worker = Arc::new(worker.init().await.expect("it starts"));
    let one = || RawJobSpec {
        identifier: "nothing".to_owned(),
        payload: serde_json::json!({}),
        spec: JobSpec::default(),
    };
    let utils = worker.create_utils();
    for _ in 0..jobs.div_ceil(10_000) {
        let some: Vec<_> = (0..jobs.min(10_000)).map(|_| one()).collect();
        utils.add_raw_jobs(&some).await.expect("enqueued");
    }
    let client = database::client(url).await.expect("the server answers");
    place::settle(&client).await;
    let began = Instant::now();
    let running = tokio::spawn({
        let worker = Arc::clone(&worker);
        async move { worker.run().await }
    });
    let done = || place::says(&client, "SELECT NOT EXISTS (SELECT FROM graphile_worker._private_jobs)");
    let took = counting::time(began, jobs, done).await;
    worker.request_shutdown();
    running.await.expect("it does not panic").expect("it ends well");
    took
}
