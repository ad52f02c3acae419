//! The statements that write new jobs: no other file has any. One job is written by [`ONE`], whoever enqueues it; many that
//! are alike by one statement for all of them, and many that are not by another.

use chrono::{DateTime, Utc};
use database::Connection;
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Array, Bool, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection as _, RunQueryDsl as _};
use uuid::Uuid;

use crate::{JobId, OnConflict, UniqueUntil, prepared::Prepared};

/// A job's row before it is written.
pub(crate) struct NewJob {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) metadata: String,
    pub(crate) version: i16,
    pub(crate) queue: String,
    pub(crate) priority: i16,
    pub(crate) at: Option<DateTime<Utc>>,
    pub(crate) unique_key: Option<String>,
    pub(crate) until: UniqueUntil,
    pub(crate) on_conflict: OnConflict,
    pub(crate) limit_key: Option<String>,
    /// For a stock fang that looks for it.
    pub(crate) uniq_hash: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) trace: Option<String>,
    pub(crate) enqueued_by: Option<String>,
}

#[derive(QueryableByName)]
pub(crate) struct Inserted {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: Uuid,
    #[diesel(sql_type = Bool)]
    is_new: bool,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// A row that another transaction has just written has an xmax of 0 as well, but then it was no conflict.
pub(crate) const ONE: &str = "\
INSERT INTO sides.fang_tasks AS there
    (id, metadata, version, task_type, priority, scheduled_at, unique_key, unique_waiting, tags, trace, enqueued_by,
    limit_key, uniq_hash)
VALUES ($1, $2::jsonb, $3, $4, $5, coalesce($6, now()), $7, $8, $9, $10,
    coalesce($11, nullif(current_setting('application_name'), '')), $14, $15)
ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL
DO UPDATE SET unique_key = excluded.unique_key,
    scheduled_at = CASE WHEN ($12 OR $13) AND there.state IN ('new', 'retried')
        THEN excluded.scheduled_at ELSE there.scheduled_at END,
    metadata = CASE WHEN $12 AND there.state IN ('new', 'retried')
        THEN excluded.metadata ELSE there.metadata END,
    version = CASE WHEN $12 AND there.state IN ('new', 'retried') THEN excluded.version ELSE there.version END,
    task_type = CASE WHEN $12 AND there.state IN ('new', 'retried')
        THEN excluded.task_type ELSE there.task_type END,
    priority = CASE WHEN $12 AND there.state IN ('new', 'retried')
        THEN excluded.priority ELSE there.priority END,
    tags = CASE WHEN $12 AND there.state IN ('new', 'retried') THEN excluded.tags ELSE there.tags END,
    trace = CASE WHEN $12 AND there.state IN ('new', 'retried') THEN excluded.trace ELSE there.trace END
RETURNING id, xmax::text = '0' AS is_new";

/// Writes one job, or finds the one that has its key.
pub(crate) async fn one(connection: &mut Connection, job: NewJob) -> QueryResult<JobId> {
    if job.until != UniqueUntil::Forgotten || job.unique_key.is_none() {
        return write(connection, &job).await.map(|inserted| JobId(inserted.id));
    }
    // Both in one transaction, or a runner could take the job in between.
    connection
        .transaction(async |c| {
            let inserted = write(c, &job).await?;
            if inserted.is_new
                && let Some(id) = yield_to_history(c, &job).await?
            {
                return Ok(JobId(id));
            }
            Ok(JobId(inserted.id))
        })
        .await
}

/// Writes one job, or finds the one that waits with its key.
pub(crate) async fn write(connection: &mut Connection, job: &NewJob) -> QueryResult<Inserted> {
    let query = diesel::sql_query(ONE)
        .bind::<SqlUuid, _>(job.id)
        .bind::<Text, _>(&job.metadata)
        .bind::<SmallInt, _>(job.version)
        .bind::<Text, _>(&job.queue)
        .bind::<SmallInt, _>(job.priority)
        .bind::<Nullable<Timestamptz>, _>(job.at)
        .bind::<Nullable<Text>, _>(job.unique_key.as_deref())
        .bind::<Bool, _>(job.until == UniqueUntil::Started)
        .bind::<Nullable<Array<Text>>, _>((!job.tags.is_empty()).then_some(&job.tags))
        .bind::<Nullable<Text>, _>(job.trace.as_deref())
        .bind::<Nullable<Text>, _>(job.enqueued_by.as_deref())
        .bind::<Bool, _>(job.on_conflict == OnConflict::Replace)
        .bind::<Bool, _>(job.on_conflict == OnConflict::Move)
        .bind::<Nullable<Text>, _>(job.limit_key.as_deref())
        .bind::<Nullable<Text>, _>(job.uniq_hash.as_deref());
    Prepared(query).get_result(connection).await
}

/// Now that the new job holds the key nobody else can come in between, and whoever held it before is in the
/// history that this statement sees.
pub(crate) const YIELD: &str = "\
WITH earlier AS (
    SELECT id FROM sides.job_history WHERE kind = $1 AND unique_key = $2 ORDER BY finished_at DESC LIMIT 1
), gone AS (
    DELETE FROM sides.fang_tasks WHERE id = $3 AND EXISTS (SELECT FROM earlier)
)
SELECT id FROM earlier";

async fn yield_to_history(connection: &mut Connection, job: &NewJob) -> QueryResult<Option<Uuid>> {
    let query = diesel::sql_query(YIELD)
        .bind::<Text, _>(&job.kind)
        .bind::<Nullable<Text>, _>(job.unique_key.as_deref())
        .bind::<SqlUuid, _>(job.id);
    let earlier: Vec<Id> = Prepared(query).load(connection).await?;
    Ok(earlier.into_iter().next().map(|row| row.id))
}

const ALL: &str = "\
INSERT INTO sides.fang_tasks
    (id, metadata, version, task_type, priority, unique_key, scheduled_at, tags, trace, enqueued_by,
    limit_key)
SELECT id, metadata::jsonb, $4, $5, $6, unique_key, coalesce($7, now()), $8, $9,
    coalesce($10, nullif(current_setting('application_name'), '')), $11
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS new (id, metadata, unique_key)
ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL DO NOTHING
RETURNING id";

/// Without keys there is no conflict, and nothing to be told.
const ALL_WITHOUT_KEYS: &str = "\
INSERT INTO sides.fang_tasks
    (id, metadata, version, task_type, priority, scheduled_at, tags, trace, enqueued_by, limit_key)
SELECT id, metadata::jsonb, $3, $4, $5, coalesce($6, now()), $7, $8,
    coalesce($9, nullif(current_setting('application_name'), '')), $10
FROM unnest($1::uuid[], $2::text[]) AS new (id, metadata)";

/// Writes many jobs that differ in their arguments and keys only. A job whose key is taken is left out.
pub(crate) async fn all(connection: &mut Connection, rows: Vec<NewJob>) -> QueryResult<Vec<JobId>> {
    let Some(first) = rows.as_slice().first() else { return Ok(Vec::new()) };
    if rows.iter().all(|row| row.unique_key.is_none()) {
        return all_without_keys(connection, &rows, first).await;
    }
    let query = diesel::sql_query(ALL)
        .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rows.iter().map(|row| row.metadata.as_str()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(
            rows.iter().map(|row| row.unique_key.as_deref()).collect::<Vec<_>>(),
        )
        .bind::<SmallInt, _>(first.version)
        .bind::<Text, _>(&first.queue)
        .bind::<SmallInt, _>(first.priority)
        .bind::<Nullable<Timestamptz>, _>(first.at)
        .bind::<Nullable<Array<Text>>, _>((!first.tags.is_empty()).then_some(&first.tags))
        .bind::<Nullable<Text>, _>(first.trace.as_deref())
        .bind::<Nullable<Text>, _>(first.enqueued_by.as_deref())
        .bind::<Nullable<Text>, _>(first.limit_key.as_deref());
    let inserted: Vec<Id> = Prepared(query).load(connection).await?;
    Ok(inserted.into_iter().map(|row| JobId(row.id)).collect())
}

async fn all_without_keys(
    connection: &mut Connection,
    rows: &[NewJob],
    first: &NewJob,
) -> QueryResult<Vec<JobId>> {
    let query = diesel::sql_query(ALL_WITHOUT_KEYS)
        .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rows.iter().map(|row| row.metadata.as_str()).collect::<Vec<_>>())
        .bind::<SmallInt, _>(first.version)
        .bind::<Text, _>(&first.queue)
        .bind::<SmallInt, _>(first.priority)
        .bind::<Nullable<Timestamptz>, _>(first.at)
        .bind::<Nullable<Array<Text>>, _>((!first.tags.is_empty()).then_some(&first.tags))
        .bind::<Nullable<Text>, _>(first.trace.as_deref())
        .bind::<Nullable<Text>, _>(first.enqueued_by.as_deref())
        .bind::<Nullable<Text>, _>(first.limit_key.as_deref());
    Prepared(query).execute(connection).await?;
    Ok(rows.iter().map(|row| JobId(row.id)).collect())
}

/// Unlike the single insert this one never locks a job that is there: a batch that holds the rows of some and
/// waits for others would meet a worker that acknowledges them in another order.
const EACH: &str = "\
INSERT INTO sides.fang_tasks
    (id, metadata, version, task_type, priority, scheduled_at, unique_key, enqueued_by, unique_waiting,
    limit_key, trace)
SELECT id, metadata::jsonb, version, queue, priority, coalesce(at, now()), unique_key,
    coalesce(enqueued_by, nullif(current_setting('application_name'), '')), unique_waiting, limit_key, trace
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::smallint[], $5::timestamptz[], $6::text[], $7::text[],
    $8::bool[], $9::text[], $10::text[], $11::smallint[])
    AS new (id, metadata, queue, priority, at, unique_key, enqueued_by, unique_waiting, limit_key, trace, version)
ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL DO NOTHING
RETURNING id";

/// Writes many jobs of any kinds. A job whose key is taken is left out.
pub(crate) async fn each(connection: &mut Connection, rows: &[NewJob]) -> QueryResult<Vec<JobId>> {
    let texts = |field: fn(&NewJob) -> Option<&str>| rows.iter().map(field).collect::<Vec<_>>();
    let query = diesel::sql_query(EACH)
        .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rows.iter().map(|row| row.metadata.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rows.iter().map(|row| row.queue.as_str()).collect::<Vec<_>>())
        .bind::<Array<SmallInt>, _>(rows.iter().map(|row| row.priority).collect::<Vec<_>>())
        .bind::<Array<Nullable<Timestamptz>>, _>(rows.iter().map(|row| row.at).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.unique_key.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.enqueued_by.as_deref()))
        .bind::<Array<Bool>, _>(rows.iter().map(|row| row.until == UniqueUntil::Started).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.limit_key.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.trace.as_deref()))
        .bind::<Array<SmallInt>, _>(rows.iter().map(|row| row.version).collect::<Vec<_>>());
    let inserted: Vec<Id> = Prepared(query).load(connection).await?;
    Ok(inserted.into_iter().map(|row| JobId(row.id)).collect())
}
