//! Into the queue, inside the caller's transaction if there is one.

use chrono::{DateTime, Utc};
use database::Connection;
use diesel::{
    QueryableByName,
    sql_types::{Array, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl as _;
use jobs::Job;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    JobId, Options,
    arguments::{self, ArgumentsFault},
    prepared::Prepared,
};

/// Why a job was not enqueued. Nothing was written, unless the database itself refused.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// The kind is no name.
    #[error("a job's kind is 1 to 200 characters without U+0000, not {0:?}")]
    Kind(String),
    /// The arguments do not turn into JSON.
    #[error("the arguments of {kind} do not serialize")]
    Serialize {
        /// The job's kind.
        kind: String,
        /// What serde says.
        #[source]
        source: serde_json::Error,
    },
    /// The arguments are JSON that cannot be queued.
    #[error("the arguments of {kind}: {fault}")]
    Arguments {
        /// The job's kind.
        kind: String,
        /// What is wrong with them, and what to do.
        fault: ArgumentsFault,
    },
    /// The database refused or is away.
    #[error("the job could not be written")]
    Database(#[from] diesel::result::Error),
}

/// Enqueues a job as its policy says. It exists if and only if the caller's transaction commits.
///
/// # Errors
/// When the arguments cannot be stored, or the database refuses.
pub async fn enqueue<J: Job>(connection: &mut Connection, job: &J) -> Result<JobId, EnqueueError> {
    enqueue_with(connection, job, &Options::default()).await
}

/// Enqueues a job with options of its own.
///
/// # Errors
/// As [`enqueue`].
pub async fn enqueue_with<J: Job>(
    connection: &mut Connection,
    job: &J,
    options: &Options,
) -> Result<JobId, EnqueueError> {
    insert_one(connection, NewJob::of(job, options)?).await
}

/// Enqueues many jobs of one kind in one statement, in the order given.
///
/// # Errors
/// As [`enqueue`]; then none is enqueued.
pub async fn enqueue_all<J: Job>(
    connection: &mut Connection,
    jobs: &[J],
) -> Result<Vec<JobId>, EnqueueError> {
    let options = Options::default();
    let rows = jobs.iter().map(|job| NewJob::of(job, &options)).collect::<Result<Vec<_>, _>>()?;
    insert_all(connection, rows).await
}

/// Enqueues those of many jobs of one kind whose key is free, in one statement; a job of this kind and key
/// that waits or runs stays the only one. Returns the ids of the new ones.
///
/// # Errors
/// As [`enqueue`]; then none is enqueued.
pub async fn enqueue_all_unique<J: Job>(
    connection: &mut Connection,
    jobs: &[J],
    key: impl Fn(&J) -> String,
) -> Result<Vec<JobId>, EnqueueError> {
    let with_key = |job: &J| {
        let options = Options { unique_key: Some(key(job)), ..Options::default() };
        NewJob::of(job, &options)
    };
    let rows = jobs.iter().map(with_key).collect::<Result<Vec<_>, _>>()?;
    insert_all(connection, rows).await
}

/// Enqueues a job known by its name only: for the clock, and whoever does not link the contract.
///
/// # Errors
/// As [`enqueue`].
pub async fn enqueue_named(
    connection: &mut Connection,
    kind: &str,
    arguments: Value,
    options: &Options,
) -> Result<JobId, EnqueueError> {
    insert_one(connection, NewJob::named(kind, 1, arguments, options)?).await
}

pub(crate) struct NewJob {
    pub(crate) id: Uuid,
    pub(crate) metadata: String,
    pub(crate) version: i16,
    pub(crate) queue: String,
    pub(crate) priority: i16,
    pub(crate) at: Option<DateTime<Utc>>,
    pub(crate) unique_key: Option<String>,
    pub(crate) enqueued_by: Option<String>,
}

impl NewJob {
    fn of<J: Job>(job: &J, options: &Options) -> Result<Self, EnqueueError> {
        let arguments = serde_json::to_value(job)
            .map_err(|source| EnqueueError::Serialize { kind: J::KIND.to_owned(), source })?;
        let mut row = Self::named(J::KIND, J::VERSION, arguments, options)?;
        if options.queue.is_none() {
            J::POLICY.queue.clone_into(&mut row.queue);
        }
        row.priority = options.priority.unwrap_or(J::POLICY.priority);
        Ok(row)
    }

    pub(crate) fn named(
        kind: &str,
        version: u16,
        arguments: Value,
        options: &Options,
    ) -> Result<Self, EnqueueError> {
        if kind.is_empty() || kind.chars().count() > 200 || kind.contains('\0') {
            return Err(EnqueueError::Kind(kind.to_owned()));
        }
        let refuse = |fault| EnqueueError::Arguments { kind: kind.to_owned(), fault };
        let metadata = arguments::to_metadata(kind, arguments).map_err(refuse)?.to_string();
        if metadata.len() > arguments::LIMIT {
            return Err(refuse(ArgumentsFault::Size(metadata.len())));
        }
        Ok(Self {
            id: JobId::generate().0,
            metadata,
            version: i16::try_from(version).unwrap_or(i16::MAX),
            queue: options.queue.clone().unwrap_or_else(|| "default".to_owned()),
            priority: options.priority.unwrap_or(0),
            at: options.at,
            unique_key: options.unique_key.clone(),
            enqueued_by: options.enqueued_by.clone(),
        })
    }
}

#[derive(QueryableByName)]
struct Inserted {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

const INSERT_ONE: &str = "\
INSERT INTO sides.fang_tasks
    (id, metadata, version, task_type, priority, scheduled_at, unique_key, enqueued_by)
VALUES ($1, $2::jsonb, $3, $4, $5, coalesce($6, now()), $7, $8)
ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL
DO UPDATE SET unique_key = excluded.unique_key
RETURNING id";

async fn insert_one(connection: &mut Connection, job: NewJob) -> Result<JobId, EnqueueError> {
    let query = diesel::sql_query(INSERT_ONE)
        .bind::<SqlUuid, _>(job.id)
        .bind::<Text, _>(job.metadata)
        .bind::<SmallInt, _>(job.version)
        .bind::<Text, _>(job.queue)
        .bind::<SmallInt, _>(job.priority)
        .bind::<Nullable<Timestamptz>, _>(job.at)
        .bind::<Nullable<Text>, _>(job.unique_key)
        .bind::<Nullable<Text>, _>(job.enqueued_by);
    let inserted: Inserted = Prepared(query).get_result(connection).await?;
    Ok(JobId(inserted.id))
}

const INSERT_ALL: &str = "\
INSERT INTO sides.fang_tasks (id, metadata, version, task_type, priority, unique_key)
SELECT id, metadata::jsonb, $4, $5, $6, unique_key
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS new (id, metadata, unique_key)
ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL DO NOTHING
RETURNING id";

async fn insert_all(connection: &mut Connection, rows: Vec<NewJob>) -> Result<Vec<JobId>, EnqueueError> {
    let Some(first) = rows.as_slice().first() else { return Ok(Vec::new()) };
    let query = diesel::sql_query(INSERT_ALL)
        .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rows.iter().map(|row| row.metadata.as_str()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(
            rows.iter().map(|row| row.unique_key.as_deref()).collect::<Vec<_>>(),
        )
        .bind::<SmallInt, _>(first.version)
        .bind::<Text, _>(&first.queue)
        .bind::<SmallInt, _>(first.priority);
    let inserted: Vec<Inserted> = Prepared(query).load(connection).await?;
    Ok(inserted.into_iter().map(|row| JobId(row.id)).collect())
}
