//! apalis-postgres: in large batches, without a lock for each job; told of new jobs when idle.

use apalis::{layers::WorkerBuilderExt as _, prelude::*};
use apalis_postgres::{Config, PgPool, PostgresStorage, queries::push_tasks};
use database::DatabaseUrl;
use tokio::task::JoinHandle;

use crate::{
    peer::{Peer, Setting},
    work,
};

async fn nothing(_: usize, _: WorkerContext) -> Result<(), BoxDynError> {
    work::run().await;
    Ok(())
}

pub struct Apalis {
    pool: PgPool,
}

fn tasks(count: u64) -> Vec<apalis_postgres::PgTask> {
    (0..count).map(|number| TaskBuilder::new(number.to_string().into_bytes()).build()).collect()
}

impl Peer for Apalis {
    const DONE: &'static str = "SELECT NOT EXISTS (SELECT FROM apalis.jobs WHERE status <> 'Done')";
    type Worker = JoinHandle<()>;

    async fn open(url: &DatabaseUrl) -> Self {
        let pool = PgPool::connect(&url.expose()).await.expect("the server answers");
        PostgresStorage::setup(&pool).await.expect("the migrations apply");
        Self { pool }
    }

    async fn fill(&mut self, jobs: u64) -> bool {
        let mut c = self.pool.acquire().await.expect("a connection");
        let mut left = jobs;
        while left > 0 {
            let now = left.min(10_000);
            push_tasks(&mut *c, "nothing", tasks(now)).await.expect("enqueued");
            left -= now;
        }
        true
    }

    async fn one(&mut self) {
        let mut c = self.pool.acquire().await.expect("a connection");
        push_tasks(&mut *c, "nothing", tasks(1)).await.expect("enqueued");
    }

    async fn in_transaction(&mut self, jobs: u64) -> bool {
        let mut transaction = self.pool.begin().await.expect("a transaction");
        for _ in 0..jobs {
            push_tasks(&mut *transaction, "nothing", tasks(1)).await.expect("enqueued");
        }
        transaction.commit().await.expect("committed");
        true
    }

    async fn start(&self, setting: &Setting, many: bool) -> Self::Worker {
        let concurrency = setting.concurrency;
        let batch = if concurrency >= 1000 { 5000 } else { 1000 };
        let config = Config::default().queue("nothing").batch_size(batch).lock_tasks(false);
        let backend = PostgresStorage::new(&self.pool).with_config(config);
        let builder = WorkerBuilder::new("peer");
        if many {
            let worker = builder.backend(backend).concurrency(concurrency).build(nothing);
            tokio::spawn(async move { drop(worker.run().await) })
        } else {
            let worker = builder.backend(backend.with_pubsub()).concurrency(concurrency).build(nothing);
            tokio::spawn(async move { drop(worker.run().await) })
        }
    }

    async fn stop(running: Self::Worker) {
        running.abort();
        drop(running.await);
    }
}
