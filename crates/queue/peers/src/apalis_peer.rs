//! apalis-postgres, in large batches, told of new jobs, without a lock or a result for each job.

use std::time::{Duration, Instant};

use apalis::{layers::WorkerBuilderExt as _, prelude::*};
use apalis_postgres::{Config, PgPool, PostgresStorage, queries::push_tasks};
use database::DatabaseUrl;

use crate::{counting, place};

async fn nothing(_: usize, _: WorkerContext) -> Result<(), BoxDynError> {
    counting::ran();
    Ok(())
}

pub async fn drain(url: &DatabaseUrl, jobs: u64, concurrency: usize) -> Duration {
    let pool = PgPool::connect(&url.expose()).await.expect("the server answers");
    PostgresStorage::setup(&pool).await.expect("the migrations apply");
    let mut c = pool.acquire().await.expect("a connection").detach();
    for _ in 0..jobs.div_ceil(10_000) {
        let one = |number: u64| TaskBuilder::new(number.to_string().into_bytes()).build();
        push_tasks(&mut c, "nothing", (0..jobs.min(10_000)).map(one).collect::<Vec<_>>())
            .await
            .expect("enqueued");
    }
    let client = database::client(url).await.expect("the server answers");
    place::settle(&client).await;
    let batch = if concurrency >= 1000 { 5000 } else { 1000 };
    let config = Config::default().queue("nothing").batch_size(batch).lock_tasks(false);
    let backend = PostgresStorage::new(&pool).with_config(config);
    let began = Instant::now();
    let worker = WorkerBuilder::new("peer").backend(backend).concurrency(concurrency).build(nothing);
    let running = tokio::spawn(async move { worker.run().await });
    let done = || place::says(&client, "SELECT NOT EXISTS (SELECT FROM apalis.jobs WHERE status <> 'Done')");
    let took = counting::time(began, jobs, done).await;
    running.abort();
    pool.close().await;
    took
}
