//! This queue behind fang's interface.

use async_trait::async_trait;
use chrono::Utc;
use database::{Connection, Pool, PooledConnection};
use diesel::sql_types::{Array, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl as _;
use fang::{AsyncQueueError, AsyncQueueable, AsyncRunnable, FangTaskState, Task};
use uuid::Uuid;

use super::{
    kinds::fang_kinds,
    next,
    row::{COLUMNS, Row},
    write::{Draft, hash},
};
use crate::{error::chain, prepared::Prepared};

/// What a job written for fang gets as its queue, and what a fang application may enqueue through.
///
/// It enqueues, finds and removes. Removing concerns fang's jobs only, and not those that run. It claims and
/// acknowledges nothing: that is a [`crate::Runner`]'s, whose fencing token fang's `Task` has no room for.
#[derive(Clone)]
pub struct FangQueue {
    pool: Pool,
}

impl FangQueue {
    /// A queue that takes its connections from `pool`.
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Makes sure that a periodic job waits for its next moment.
    pub(crate) async fn follow_up(&self, job: &dyn AsyncRunnable) -> Result<(), AsyncQueueError> {
        let Some(schedule) = next::pattern(job)? else { return Ok(()) };
        let draft = Draft::of(job, true)?;
        let mut c = self.connection().await?;
        draft.write(&mut c, next::upcoming(&schedule)?).await.map_err(refused)?;
        Ok(())
    }

    async fn connection(&self) -> Result<PooledConnection, AsyncQueueError> {
        self.pool.get().await.map_err(|error| sqlx::Error::Io(std::io::Error::other(chain(&error))).into())
    }

    async fn remove(&self, which: Which<'_>) -> Result<u64, AsyncQueueError> {
        let mut c = self.connection().await?;
        remove(&mut c, which).await.map_err(refused)
    }
}

#[derive(Default)]
struct Which<'a> {
    id: Option<Uuid>,
    hash: Option<&'a str>,
    queue: Option<&'a str>,
    scheduled: bool,
}

/// What is removed is remembered.
const REMOVE: &str = "\
WITH over AS (
    DELETE FROM sides.fang_tasks
    WHERE kind = ANY ($1) AND state <> 'in_progress' AND ($2 IS NULL OR id = $2) AND ($3 IS NULL OR uniq_hash = $3)
        AND ($4 IS NULL OR task_type = $4) AND (NOT $5 OR scheduled_at > now())
    RETURNING *
)
INSERT INTO sides.job_history (id, kind, queue, outcome, attempt, error, enqueued_by, created_at,
    scheduled_at, duration_us, unique_key, tags, trace)
SELECT id, kind, task_type, 'cancelled', attempt, 'removed by another job', enqueued_by, created_at, scheduled_at, 0,
    unique_key, tags, trace FROM over";

async fn remove(c: &mut Connection, which: Which<'_>) -> diesel::QueryResult<u64> {
    let query = diesel::sql_query(REMOVE)
        .bind::<Array<Text>, _>(fang_kinds())
        .bind::<Nullable<SqlUuid>, _>(which.id)
        .bind::<Nullable<Text>, _>(which.hash)
        .bind::<Nullable<Text>, _>(which.queue)
        .bind::<diesel::sql_types::Bool, _>(which.scheduled);
    Prepared(query).execute(c).await.map(|count| count as u64)
}

fn refused(error: diesel::result::Error) -> AsyncQueueError {
    match error {
        diesel::result::Error::NotFound => sqlx::Error::RowNotFound.into(),
        error => sqlx::Error::Protocol(chain(&error)).into(),
    }
}

fn not_here(what: &str) -> AsyncQueueError {
    let text =
        format!("{what} is the runner's, which holds a lease: register the job and start a queue::Runner");
    sqlx::Error::Configuration(text.into()).into()
}

#[async_trait]
impl AsyncQueueable for FangQueue {
    async fn insert_task(&self, job: &dyn AsyncRunnable) -> Result<Task, AsyncQueueError> {
        let draft = Draft::of(job, false)?;
        let mut c = self.connection().await?;
        draft.write(&mut c, Utc::now()).await.map(Task::from).map_err(refused)
    }

    async fn schedule_task(&self, job: &dyn AsyncRunnable) -> Result<Task, AsyncQueueError> {
        let (draft, at) = (Draft::of(job, false)?, next::first(job)?);
        let mut c = self.connection().await?;
        draft.write(&mut c, at).await.map(Task::from).map_err(refused)
    }

    async fn find_task_by_id(&self, id: &Uuid) -> Result<Task, AsyncQueueError> {
        let query = diesel::sql_query(format!("SELECT {COLUMNS} FROM sides.fang_tasks WHERE id = $1"));
        let query = query.bind::<SqlUuid, _>(*id);
        let row: Result<Row, _> = Prepared(query).get_result(&mut self.connection().await?).await;
        row.map(Task::from).map_err(refused)
    }

    async fn remove_all_tasks(&self) -> Result<u64, AsyncQueueError> {
        self.remove(Which::default()).await
    }

    async fn remove_all_scheduled_tasks(&self) -> Result<u64, AsyncQueueError> {
        self.remove(Which { scheduled: true, ..Which::default() }).await
    }

    async fn remove_task(&self, id: &Uuid) -> Result<u64, AsyncQueueError> {
        match self.remove(Which { id: Some(*id), ..Which::default() }).await? {
            1 => Ok(1),
            found => Err(AsyncQueueError::ResultError { expected: 1, found }),
        }
    }

    async fn remove_task_by_metadata(&self, job: &dyn AsyncRunnable) -> Result<u64, AsyncQueueError> {
        if !job.uniq() {
            return Err(AsyncQueueError::TaskNotUniqError);
        }
        let hash = hash(&serde_json::to_value(job)?.to_string());
        self.remove(Which { hash: Some(&hash), ..Which::default() }).await
    }

    async fn remove_tasks_type(&self, queue: &str) -> Result<u64, AsyncQueueError> {
        self.remove(Which { queue: Some(queue), ..Which::default() }).await
    }

    async fn fetch_and_touch_task(&self, _: Option<String>) -> Result<Option<Task>, AsyncQueueError> {
        Err(not_here("fetching a task"))
    }

    async fn update_task_state(&self, _: &Task, _: FangTaskState) -> Result<Task, AsyncQueueError> {
        Err(not_here("a task's state"))
    }

    async fn fail_task(&self, _: &Task, _: &str) -> Result<Task, AsyncQueueError> {
        Err(not_here("failing a task"))
    }

    async fn schedule_retry(&self, _: &Task, _: u32, _: &str) -> Result<Task, AsyncQueueError> {
        Err(not_here("retrying a task"))
    }
}
