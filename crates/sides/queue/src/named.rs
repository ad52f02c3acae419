//! Many jobs known by their names only, of any kinds, in one statement.

use std::collections::HashMap;

use database::Connection;
use diesel::{
    QueryableByName,
    sql_types::{Array, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl as _;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    EnqueueError, JobId, Options,
    insert::{self, NewJob},
    prepared::Prepared,
};

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
struct Found {
    #[diesel(sql_type = SqlUuid)]
    wanted: Uuid,
    #[diesel(sql_type = SqlUuid)]
    found: Uuid,
}

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
    let mut ids: HashMap<Uuid, JobId> =
        insert::each(connection, &rows).await?.into_iter().map(|id| (id.0, id)).collect();
    if ids.len() < rows.len() {
        ids.extend(find(connection, jobs, &rows, &ids).await?);
    }
    Ok(rows.iter().map(|row| ids.get(&row.id).copied()).collect())
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
