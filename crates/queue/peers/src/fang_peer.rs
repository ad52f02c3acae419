//! fang's own queue and worker pool, on a table of its own shape, looking for jobs all the time.

use std::time::{Duration, Instant};

use database::DatabaseUrl;
use fang::{
    AsyncQueue, AsyncQueueable, AsyncRunnable, AsyncWorkerPool, FangError, SleepParams, async_trait,
    serde::{Deserialize, Serialize},
};

use crate::{counting, place};

#[derive(Serialize, Deserialize)]
#[serde(crate = "fang::serde")]
struct FangNothing {}

#[typetag::serde]
#[async_trait]
impl AsyncRunnable for FangNothing {
    async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
        counting::ran();
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

pub async fn drain(url: &DatabaseUrl, jobs: u64, concurrency: usize) -> Duration {
    let client = database::client(url).await.expect("the server answers");
    client.batch_execute(TABLE).await.expect("the table is made");
    let fill = "INSERT INTO fang_tasks (id, metadata) \
        SELECT gen_random_uuid(), '{\"type\": \"FangNothing\"}' FROM generate_series(1, $1::bigint)";
    client.execute(fill, &[&i64::try_from(jobs).expect("it fits")]).await.expect("enqueued");
    place::settle(&client).await;
    let connections = u32::try_from(concurrency.min(64)).expect("it fits");
    let mut queue = AsyncQueue::builder().uri(url.expose()).max_pool_size(connections).build();
    queue.connect().await.expect("the server answers");
    let short = Duration::from_millis(10);
    let sleep = SleepParams::builder().sleep_period(short).max_sleep_period(short).min_sleep_period(short);
    let mut workers = AsyncWorkerPool::<AsyncQueue>::builder()
        .number_of_workers(u32::try_from(concurrency).expect("it fits"))
        .queue(queue)
        .sleep_params(sleep.sleep_step(short).build())
        .build();
    let began = Instant::now();
    workers.start().await;
    // It runs some twice and may leave rows behind: the time until so many have run is what counts.
    counting::time(began, jobs, || std::future::ready(true)).await
}
