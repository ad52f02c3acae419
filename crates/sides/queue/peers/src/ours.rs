//! This queue.

use std::time::Duration;

use database::{Connection, DatabaseUrl};
use diesel_async::AsyncConnection as _;
use queue::{Context, EnqueueError, JobError, Registry, Runner, RunnerConfig, RunnerError};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    peer::{Peer, Setting},
    work,
};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Nothing {}

impl job::Job for Nothing {
    const KIND: &'static str = "nothing";
}

async fn nothing(_: Nothing, _: Context<()>) -> Result<(), JobError> {
    work::run().await;
    Ok(())
}

pub struct Ours {
    url: DatabaseUrl,
    connection: Connection,
}

impl Peer for Ours {
    const DONE: &'static str = "SELECT NOT EXISTS (SELECT FROM sides.fang_tasks)";
    type Worker = (CancellationToken, JoinHandle<Result<(), RunnerError>>);

    async fn open(url: &DatabaseUrl) -> Self {
        migrate::up(url, &migrate::chassis().expect("the chassis' migrations are whole")).await.expect("the migrations apply");
        let connection = database::connect(url).await.expect("the server answers");
        Self { url: url.clone(), connection }
    }

    async fn fill(&mut self, jobs: u64) -> bool {
        let mut left = usize::try_from(jobs).expect("it fits");
        while left > 0 {
            let now = left.min(10_000);
            queue::enqueue_all(&mut self.connection, &vec![Nothing {}; now]).await.expect("enqueued");
            left -= now;
        }
        true
    }

    async fn one(&mut self) {
        queue::enqueue(&mut self.connection, &Nothing {}).await.expect("enqueued");
    }

    async fn in_transaction(&mut self, jobs: u64) -> bool {
        let all = async |c: &mut Connection| {
            for _ in 0..jobs {
                queue::enqueue(c, &Nothing {}).await?;
            }
            Ok::<_, EnqueueError>(())
        };
        self.connection.transaction(all).await.expect("enqueued");
        true
    }

    async fn start(&self, setting: &Setting, _: bool) -> Self::Worker {
        let registry = Registry::new(()).handle::<Nothing, _>(nothing);
        let drain = CancellationToken::new();
        let (concurrency, prefetch) = (setting.concurrency, 5000 * setting.queues);
        let config = RunnerConfig { concurrency, prefetch, ..RunnerConfig::default() };
        let runner = Runner::new(self.url.clone(), registry, config);
        (drain.clone(), tokio::spawn(runner.run(drain, Duration::from_secs(10))))
    }

    async fn stop((drain, running): Self::Worker) {
        drain.cancel();
        running.await.expect("it does not panic").expect("it ends well");
    }
}
