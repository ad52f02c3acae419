//! Many jobs known by their names only, of any kinds, in one statement.

use std::collections::HashMap;

use database::Connection;
use diesel::{
    QueryableByName,
    sql_types::{Array, Bool, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl as _;
use serde_json::Value;
use uuid::Uuid;

use crate::{EnqueueError, JobId, Options, UniqueUntil, insert::NewJob, prepared::Prepared};

/// One job for [`enqueue_all_named`].
#[derive(Debug, Clone, PartialEq)]
pub struct NamedJob {
    /// Its id, unless a job of its kind and unique key is there.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// Its arguments.
    pub arguments: Value,
    /// The version of its kind's contract that they are written in.
    pub version: u16,
    /// What its enqueuer says about it.
    pub options: Options,
}

#[derive(QueryableByName)]
struct Inserted {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    wanted: Uuid,
    #[diesel(sql_type = SqlUuid)]
    found: Uuid,
}

/// Unlike the single insert this one never locks a job that is there: a batch that holds the rows of some and
/// waits for others would meet a worker that acknowledges them in another order.
const INSERT: &str = "\
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

const FIND: &str = "\
SELECT wanted.id AS wanted, task.id AS found
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS wanted (id, kind, unique_key)
JOIN sides.fang_tasks AS task ON task.kind = wanted.kind AND task.unique_key = wanted.unique_key";

/// Enqueues many jobs in one statement. Answers with the ids in the order given; where a job of that kind and
/// unique key was there, with its id, or `None` when it was over a moment later.
///
/// A job that is there always stays as it is, no key outlasts its job, and tags are left out: those are for jobs
/// that are enqueued one by one.
///
/// # Errors
/// As [`crate::enqueue()`], at the first fault; then none is enqueued.
pub async fn enqueue_all_named(
    connection: &mut Connection,
    jobs: &[NamedJob],
) -> Result<Vec<Option<JobId>>, EnqueueError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let row = |job: &NamedJob| {
        let row = NewJob::named(&job.kind, job.version, job.arguments.clone(), &job.options)?;
        Ok::<_, EnqueueError>(NewJob { id: job.id.0, ..row })
    };
    let rows = jobs.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    let mut ids = insert(connection, &rows).await?;
    if ids.len() < rows.len() {
        ids.extend(find(connection, jobs, &rows, &ids).await?);
    }
    Ok(rows.iter().map(|row| ids.get(&row.id).copied()).collect())
}

async fn insert(connection: &mut Connection, rows: &[NewJob]) -> diesel::QueryResult<HashMap<Uuid, JobId>> {
    let texts = |field: fn(&NewJob) -> Option<&str>| rows.iter().map(field).collect::<Vec<_>>();
    let query = diesel::sql_query(INSERT)
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
    let inserted: Vec<Inserted> = Prepared(query).load(connection).await?;
    Ok(inserted.into_iter().map(|row| (row.id, JobId(row.id))).collect())
}

/// The jobs that were there instead.
async fn find(
    connection: &mut Connection,
    jobs: &[NamedJob],
    rows: &[NewJob],
    inserted: &HashMap<Uuid, JobId>,
) -> diesel::QueryResult<Vec<(Uuid, JobId)>> {
    let missing = || jobs.iter().zip(rows).filter(|(_, row)| !inserted.contains_key(&row.id));
    let query = diesel::sql_query(FIND)
        .bind::<Array<SqlUuid>, _>(missing().map(|(_, row)| row.id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(missing().map(|(job, _)| job.kind.as_str()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(
            missing().map(|(_, row)| row.unique_key.as_deref()).collect::<Vec<_>>(),
        );
    let found: Vec<Found> = Prepared(query).load(connection).await?;
    Ok(found.into_iter().map(|row| (row.wanted, JobId(row.found))).collect())
}
