//! fang's own queue and worker pool, on a table of its own shape, looking for jobs all the time.

use std::time::Duration;

use database::DatabaseUrl;
use fang::{
    AsyncQueue, AsyncQueueable, AsyncRunnable, AsyncWorkerPool, FangError, SleepParams, async_trait,
    serde::{Deserialize, Serialize},
};

use crate::{
    peer::{Peer, Setting},
    work,
};

#[derive(Serialize, Deserialize)]
#[serde(crate = "fang::serde")]
struct FangNothing {}

#[typetag::serde]
#[async_trait]
impl AsyncRunnable for FangNothing {
    async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
        work::run().await;
        Ok(())
    }
}

/// The table and the indexes of its documentation.
const TABLE: &str = "\
CREATE TYPE fang_task_state AS ENUM ('new', 'in_progress', 'failed', 'finished', 'retried');
CREATE TABLE fang_tasks (
    id uuid PRIMARY KEY, metadata jsonb NOT NULL, error_message text, state fang_task_state NOT NULL DEFAULT 'new',
    task_type text NOT NULL DEFAULT 'common', uniq_hash text, retries integer NOT NULL DEFAULT 0,
    scheduled_at timestamptz NOT NULL DEFAULT now(), created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON fang_tasks (state); CREATE INDEX ON fang_tasks (task_type);
CREATE INDEX ON fang_tasks (scheduled_at); CREATE INDEX ON fang_tasks (uniq_hash)";

pub struct Fang {
    url: DatabaseUrl,
    queue: AsyncQueue,
}

async fn connect(url: &DatabaseUrl, connections: usize) -> AsyncQueue {
    let connections = u32::try_from(connections).expect("it fits");
    let mut queue = AsyncQueue::builder().uri(url.expose()).max_pool_size(connections).build();
    queue.connect().await.expect("the server answers");
    queue
}

impl Peer for Fang {
    /// It runs some twice and may leave rows behind: the time until so many have run is what counts.
    const DONE: &'static str = "SELECT true";
    type Worker = (DatabaseUrl, AsyncWorkerPool<AsyncQueue>);

    async fn open(url: &DatabaseUrl) -> Self {
        let client = database::client(url).await.expect("the server answers");
        client.batch_execute(TABLE).await.expect("the table is made");
        Self { url: url.clone(), queue: connect(url, 1).await }
    }

    async fn fill(&mut self, jobs: u64) -> bool {
        let client = database::client(&self.url).await.expect("the server answers");
        let fill = "INSERT INTO fang_tasks (id, metadata) \
            SELECT gen_random_uuid(), '{\"type\": \"FangNothing\"}' FROM generate_series(1, $1::bigint)";
        client.execute(fill, &[&i64::try_from(jobs).expect("it fits")]).await.expect("enqueued");
        false
    }

    async fn one(&mut self) {
        self.queue.insert_task(&FangNothing {}).await.expect("enqueued");
    }

    async fn in_transaction(&mut self, _: u64) -> bool {
        false
    }

    async fn start(&self, setting: &Setting, _: bool) -> Self::Worker {
        let short = Duration::from_millis(10);
        let sleep =
            SleepParams::builder().sleep_period(short).max_sleep_period(short).min_sleep_period(short);
        let mut workers = AsyncWorkerPool::<AsyncQueue>::builder()
            .number_of_workers(u32::try_from(setting.concurrency).expect("it fits"))
            .queue(connect(&self.url, setting.concurrency.min(64)).await)
            .sleep_params(sleep.sleep_step(short).build())
            .build();
        workers.start().await;
        (self.url.clone(), workers)
    }

    /// It has no stop, but each worker ends with its first error.
    async fn stop((url, _): Self::Worker) {
        let client = database::client(&url.with_database("postgres")).await.expect("the server answers");
        let drop = format!("DROP DATABASE {} WITH (FORCE)", url.database());
        client.batch_execute(&drop).await.expect("dropped");
    }
}
