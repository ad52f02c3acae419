//! graphile_worker: with local queues and batched completion where there is much to do, without where there is not.

use std::{sync::Arc, time::Duration};

use database::DatabaseUrl;
use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, RawJobSpec, TaskHandler, Worker, WorkerContext,
    WorkerOptions,
};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::{
    peer::{Peer, Setting},
    work,
};

#[derive(Serialize, Deserialize)]
struct Nothing {}

impl TaskHandler for Nothing {
    const IDENTIFIER: &'static str = "nothing";

    async fn run(self, _: WorkerContext) -> impl IntoTaskHandlerResult {
        work::run().await;
        Ok::<(), String>(())
    }
}

pub struct Graphile {
    url: DatabaseUrl,
    /// Only enqueues.
    idle: Worker,
}

fn options(url: &DatabaseUrl) -> WorkerOptions {
    WorkerOptions::default()
        .database_url(&url.expose())
        .max_pg_conn(20)
        .schema("graphile_worker")
        .listen_os_shutdown_signals(false)
        .define_job::<Nothing>()
}

impl Peer for Graphile {
    const DONE: &'static str = "SELECT NOT EXISTS (SELECT FROM graphile_worker._private_jobs)";
    type Worker = (Arc<Worker>, JoinHandle<()>);

    async fn open(url: &DatabaseUrl) -> Self {
        Self { url: url.clone(), idle: options(url).init().await.expect("it starts") }
    }

    async fn fill(&mut self, jobs: u64) -> bool {
        let one = || RawJobSpec {
            identifier: "nothing".to_owned(),
            payload: serde_json::json!({}),
            spec: JobSpec::default(),
        };
        let utils = self.idle.create_utils();
        let mut left = jobs;
        while left > 0 {
            let now = left.min(10_000);
            let some: Vec<_> = (0..now).map(|_| one()).collect();
            utils.add_raw_jobs(&some).await.expect("enqueued");
            left -= now;
        }
        true
    }

    async fn one(&mut self) {
        self.idle.create_utils().add_job(Nothing {}, JobSpec::default()).await.expect("enqueued");
    }

    /// Its function in SQL, which its documentation has for that.
    async fn in_transaction(&mut self, jobs: u64) -> bool {
        let mut client = database::client(&self.url).await.expect("the server answers");
        let transaction = client.transaction().await.expect("a transaction");
        let sql = "SELECT FROM graphile_worker.add_job('nothing', '{}'::json)";
        let add = transaction.prepare(sql).await.expect("the function is there");
        for _ in 0..jobs {
            transaction.query(&add, &[]).await.expect("enqueued");
        }
        transaction.commit().await.expect("committed");
        true
    }

    async fn start(&self, setting: &Setting, many: bool) -> Self::Worker {
        let mut options = options(&self.url).concurrency(setting.concurrency);
        if many {
            let local = LocalQueueConfig::default().with_size(5000).with_queue_count(setting.queues);
            options = options
                .poll_interval(Duration::from_millis(5))
                .complete_job_batch_delay(Duration::from_millis(5))
                .local_queue(local);
        }
        let worker = Arc::new(options.init().await.expect("it starts"));
        let running = Arc::clone(&worker);
        (worker, tokio::spawn(async move { running.run().await.expect("it ends well") }))
    }

    async fn stop((worker, running): Self::Worker) {
        worker.request_shutdown();
        running.await.expect("it does not panic");
    }
}
