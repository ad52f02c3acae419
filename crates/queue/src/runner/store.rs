//! The runner's statements.

use database::Connection;
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Array, BigInt, Double, Integer, Nullable, SmallInt, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl as _;
use uuid::Uuid;

use crate::prepared::Prepared;

/// A job that this runner holds.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Claimed {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: Uuid,
    #[diesel(sql_type = SmallInt)]
    pub(crate) attempt: i16,
    #[diesel(sql_type = Text)]
    pub(crate) kind: String,
    #[diesel(sql_type = SmallInt)]
    pub(crate) version: i16,
    /// As text: rows that nothing can parse must cost one job, not the batch.
    #[diesel(sql_type = Text)]
    pub(crate) metadata: String,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

const REGISTER: &str = "\
INSERT INTO sides.runners (id, instance, release, kinds, concurrency, lease_until)
VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until";

/// Announces a runner, or renews its lease.
pub(crate) async fn register(
    connection: &mut Connection,
    owner: Uuid,
    kinds: &[&str],
    config: &super::RunnerConfig,
) -> QueryResult<()> {
    let query = diesel::sql_query(REGISTER)
        .bind::<SqlUuid, _>(owner)
        .bind::<SqlUuid, _>(config.instance)
        .bind::<Text, _>(&config.release)
        .bind::<Array<Text>, _>(kinds)
        .bind::<Integer, _>(i32::try_from(config.concurrency).unwrap_or(i32::MAX))
        .bind::<Double, _>(config.lease.as_secs_f64());
    Prepared(query).execute(connection).await.map(drop)
}

/// Takes a runner that stops off the list.
pub(crate) async fn deregister(connection: &mut Connection, owner: Uuid) -> QueryResult<()> {
    let query = diesel::sql_query("DELETE FROM sides.runners WHERE id = $1").bind::<SqlUuid, _>(owner);
    Prepared(query).execute(connection).await.map(drop)
}

const CLAIM: &str = "\
UPDATE sides.fang_tasks
SET state = 'in_progress', attempt = attempt + 1, owner = $1, updated_at = now()
WHERE id = ANY (ARRAY(
    SELECT id FROM sides.fang_tasks
    WHERE state IN ('new', 'retried') AND parked_by IS NULL AND scheduled_at <= now() AND kind = ANY ($2)
    ORDER BY priority, scheduled_at
    LIMIT $3
    FOR UPDATE SKIP LOCKED
))
RETURNING id, attempt, kind, version, metadata::text AS metadata";

/// Takes up to `limit` due jobs of known kinds, in one statement.
pub(crate) async fn claim(
    connection: &mut Connection,
    owner: Uuid,
    kinds: &[&str],
    limit: i64,
) -> QueryResult<Vec<Claimed>> {
    let query = diesel::sql_query(CLAIM)
        .bind::<SqlUuid, _>(owner)
        .bind::<Array<Text>, _>(kinds)
        .bind::<BigInt, _>(limit);
    Prepared(query).load(connection).await
}

/// A job that is over, for good or for ill.
#[derive(Debug)]
pub(crate) struct Over {
    pub(crate) id: Uuid,
    pub(crate) attempt: i16,
    pub(crate) outcome: &'static str,
    pub(crate) error: Option<String>,
    pub(crate) duration_us: i64,
}

const FINISH: &str = "\
WITH over AS (
    DELETE FROM sides.fang_tasks AS task
    USING unnest($2::uuid[], $3::smallint[], $4::text[], $5::text[], $6::bigint[])
        AS given (id, attempt, outcome, error, duration_us)
    WHERE task.id = given.id AND task.attempt = given.attempt AND task.owner = $1 AND task.state = 'in_progress'
    RETURNING task.*, given.outcome, given.error, given.duration_us
), kept AS (
    INSERT INTO sides.job_history (id, kind, queue, outcome, attempt, error, enqueued_by, owner, created_at,
        scheduled_at, claimed_at, duration_us)
    SELECT id, kind, task_type, outcome, attempt, coalesce(error, error_message), enqueued_by, owner, created_at,
        scheduled_at, updated_at, duration_us
    FROM over
)
SELECT id FROM over";

/// Moves jobs that are over to the history, in one statement. Returns those that were still ours.
pub(crate) async fn finish(
    connection: &mut Connection,
    owner: Uuid,
    jobs: &[Over],
) -> QueryResult<Vec<Uuid>> {
    let query = diesel::sql_query(FINISH)
        .bind::<SqlUuid, _>(owner)
        .bind::<Array<SqlUuid>, _>(jobs.iter().map(|job| job.id).collect::<Vec<_>>())
        .bind::<Array<SmallInt>, _>(jobs.iter().map(|job| job.attempt).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(jobs.iter().map(|job| job.outcome).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(jobs.iter().map(|job| job.error.as_deref()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(jobs.iter().map(|job| job.duration_us).collect::<Vec<_>>());
    let rows: Vec<Id> = Prepared(query).load(connection).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// A job that goes back into the queue, or stays there as failed or parked.
#[derive(Debug)]
pub(crate) struct Return {
    pub(crate) id: Uuid,
    pub(crate) attempt: i16,
    pub(crate) state: &'static str,
    /// Whether the attempt counts.
    pub(crate) counts: bool,
    pub(crate) wait_seconds: f64,
    pub(crate) error: Option<String>,
    pub(crate) parked_by: Option<String>,
}

const GIVE_BACK: &str = "\
UPDATE sides.fang_tasks AS task
SET state = given.state::sides.fang_task_state, owner = NULL, updated_at = now(),
    attempt = task.attempt - CASE WHEN given.counts THEN 0 ELSE 1 END,
    retries = task.retries + CASE WHEN given.counts THEN 1 ELSE 0 END,
    scheduled_at = CASE WHEN given.wait > 0 THEN now() + make_interval(secs => given.wait)
        ELSE task.scheduled_at END,
    error_message = coalesce(given.error, task.error_message),
    parked_by = given.parked_by
FROM unnest($2::uuid[], $3::smallint[], $4::text[], $5::bool[], $6::float8[], $7::text[], $8::text[])
    AS given (id, attempt, state, counts, wait, error, parked_by)
WHERE task.id = given.id AND task.attempt = given.attempt AND task.owner = $1 AND task.state = 'in_progress'
RETURNING task.id";

/// Puts jobs back, each as its outcome says. Returns those that were still ours.
pub(crate) async fn give_back(
    connection: &mut Connection,
    owner: Uuid,
    jobs: &[Return],
) -> QueryResult<Vec<Uuid>> {
    let query = diesel::sql_query(GIVE_BACK)
        .bind::<SqlUuid, _>(owner)
        .bind::<Array<SqlUuid>, _>(jobs.iter().map(|job| job.id).collect::<Vec<_>>())
        .bind::<Array<SmallInt>, _>(jobs.iter().map(|job| job.attempt).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(jobs.iter().map(|job| job.state).collect::<Vec<_>>())
        .bind::<Array<diesel::sql_types::Bool>, _>(jobs.iter().map(|job| job.counts).collect::<Vec<_>>())
        .bind::<Array<Double>, _>(jobs.iter().map(|job| job.wait_seconds).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(jobs.iter().map(|job| job.error.as_deref()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(
            jobs.iter().map(|job| job.parked_by.as_deref()).collect::<Vec<_>>(),
        );
    let rows: Vec<Id> = Prepared(query).load(connection).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

const RESCUE: &str = "\
UPDATE sides.fang_tasks AS task
SET owner = NULL, updated_at = now(), crashes = crashes + 1,
    state = CASE WHEN crashes >= 2 THEN 'failed' ELSE 'retried' END::sides.fang_task_state,
    error_message = CASE WHEN crashes >= 2 THEN 'three workers died while running this job'
        ELSE 'the worker that ran this job died or lost its lease' END
WHERE state = 'in_progress' AND owner IS NOT NULL
    AND NOT EXISTS (SELECT FROM sides.runners WHERE runners.id = task.owner AND lease_until > now())
RETURNING id";

/// Frees the jobs of runners that are no longer heard of.
pub(crate) async fn rescue(connection: &mut Connection) -> QueryResult<Vec<Uuid>> {
    let rows: Vec<Id> = Prepared(diesel::sql_query(RESCUE)).load(connection).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
