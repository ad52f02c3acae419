//! What people do to jobs, queues and kinds.

use std::time::Duration;

use database::Connection;
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Bool, Double, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection as _, RunQueryDsl as _};

use crate::{JobId, prepared::Prepared};

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// All jobs that wait in this queue.
    Queue(&'a str),
    /// All jobs of this kind, in whatever queue.
    Kind(&'a str),
}

impl<'a> Scope<'a> {
    fn parts(self) -> (&'static str, &'a str) {
        match self {
            Self::Queue(name) => ("queue", name),
            Self::Kind(name) => ("kind", name),
        }
    }
}

/// Nothing of it starts until it is resumed; what runs goes on. What runners had claimed ahead they give back.
///
/// # Errors
/// When the database is unavailable.
pub async fn pause(connection: &mut Connection, scope: Scope<'_>) -> QueryResult<()> {
    set_paused(connection, scope, true).await
}

/// Ends a pause.
///
/// # Errors
/// When the database is unavailable.
pub async fn resume(connection: &mut Connection, scope: Scope<'_>) -> QueryResult<()> {
    set_paused(connection, scope, false).await
}

async fn set_paused(connection: &mut Connection, scope: Scope<'_>, paused: bool) -> QueryResult<()> {
    let (scope, name) = scope.parts();
    let query = diesel::sql_query(
        "INSERT INTO sides.job_rules (scope, name, paused) VALUES ($1, $2, $3) \
         ON CONFLICT (scope, name) DO UPDATE SET paused = excluded.paused",
    );
    let query = query.bind::<Text, _>(scope).bind::<Text, _>(name).bind::<Bool, _>(paused);
    Prepared(query).execute(connection).await.map(drop)
}

/// How much of a queue or kind may run, over all runners. Everything left out is unlimited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// How many run at a time.
    pub running: Option<u16>,
    /// How many run at a time of those that share a [`crate::Options::limit_key`].
    pub running_per_key: Option<u16>,
    /// How many start in a time. Unused starts are kept up to this number.
    pub starts: Option<(u16, Duration)>,
}

/// Sets the limits of a queue or a kind; `Limits::default()` lifts them. A job whose kind has limits is bound by
/// those, not by its queue's. What runs already goes on.
///
/// # Errors
/// When the database is unavailable, or a limit is zero: pause instead.
pub async fn limit(connection: &mut Connection, scope: Scope<'_>, limits: Limits) -> QueryResult<()> {
    let (scope, name) = scope.parts();
    let query = diesel::sql_query(
        "INSERT INTO sides.job_rules (scope, name, max_running, max_per_key, max_starts, per_seconds) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (scope, name) DO UPDATE \
         SET max_running = excluded.max_running, max_per_key = excluded.max_per_key, \
             max_starts = excluded.max_starts, per_seconds = excluded.per_seconds, starts_left = NULL",
    );
    let query = query
        .bind::<Text, _>(scope)
        .bind::<Text, _>(name)
        .bind::<Nullable<Integer>, _>(limits.running.map(i32::from))
        .bind::<Nullable<Integer>, _>(limits.running_per_key.map(i32::from))
        .bind::<Nullable<Integer>, _>(limits.starts.map(|(count, _)| i32::from(count)))
        .bind::<Double, _>(limits.starts.map_or(1.0, |(_, time)| time.as_secs_f64()));
    Prepared(query).execute(connection).await.map(drop)
}

/// What cancelling a job came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited, and is over now.
    Over,
    /// It runs, and its runner tells it to stop.
    Told,
    /// There is no such job, or it was over already.
    Gone,
}

#[derive(QueryableByName)]
struct Runs {
    #[diesel(sql_type = Bool)]
    runs: bool,
}

// Locked first: whether it runs must not change before something is done about it.
const LOCK: &str = "SELECT state = 'in_progress' AS runs FROM sides.fang_tasks WHERE id = $1 FOR UPDATE";
const TELL: &str = "UPDATE sides.fang_tasks SET cancelled = $2 WHERE id = $1";
const END: &str = "\
WITH over AS (DELETE FROM sides.fang_tasks WHERE id = $1 RETURNING *)
INSERT INTO sides.job_history (id, kind, queue, outcome, attempt, error, enqueued_by, created_at,
    scheduled_at, duration_us, unique_key, tags, trace)
SELECT id, kind, task_type, 'cancelled', attempt, $2, enqueued_by, created_at, scheduled_at, 0,
    unique_key, tags, trace FROM over";

/// Nobody wants this job any more, for this reason.
///
/// # Errors
/// When the database is unavailable.
pub async fn cancel(connection: &mut Connection, id: JobId, reason: &str) -> QueryResult<Cancelled> {
    connection
        .transaction(async |c| {
            let query = diesel::sql_query(LOCK).bind::<SqlUuid, _>(id.0);
            let found: Vec<Runs> = Prepared(query).load(c).await?;
            let Some(found) = found.into_iter().next() else { return Ok(Cancelled::Gone) };
            let (statement, done) = if found.runs { (TELL, Cancelled::Told) } else { (END, Cancelled::Over) };
            let query = diesel::sql_query(statement).bind::<SqlUuid, _>(id.0).bind::<Text, _>(reason);
            Prepared(query).execute(c).await?;
            Ok(done)
        })
        .await
}

const AGAIN: &str = "\
WITH again AS (
    UPDATE sides.fang_tasks
    SET state = 'retried', attempt = 0, crashes = 0, parked_by = NULL, cancelled = NULL, scheduled_at = now(),
        updated_at = now()
    WHERE id = $1 AND (state = 'failed' OR parked_by IS NOT NULL) RETURNING id
)
SELECT id FROM again, LATERAL pg_notify('sides_jobs', '')";

/// Gives a job that was given up or parked all its attempts again, now. Answers whether there was one.
///
/// # Errors
/// When the database is unavailable.
pub async fn retry(connection: &mut Connection, id: JobId) -> QueryResult<bool> {
    let query = diesel::sql_query(AGAIN).bind::<SqlUuid, _>(id.0);
    Prepared(query).execute(connection).await.map(|count| count > 0)
}
