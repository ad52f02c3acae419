//! Into the queue inside a transaction of tokio-postgres.

use job::Job;
use tokio_postgres::{
    Transaction,
    types::{ToSql, Type},
};
use uuid::Uuid;

use crate::{
    EnqueueError, JobId, OnConflict, Options, UniqueUntil,
    insert::{NewJob, ONE, YIELD},
};

/// As [`crate::enqueue()`], in a transaction of tokio-postgres: the job exists if and only if it commits.
///
/// ```
/// # use sides_queue::{EnqueueError, Job};
/// # async fn sign_up<J: Job>(client: &mut tokio_postgres::Client, job: &J) -> Result<(), Box<dyn std::error::Error>> {
/// let transaction = client.transaction().await?;
/// transaction.execute("INSERT INTO people (name) VALUES ($1)", &[&"Ada"]).await?;
/// sides_queue::enqueue_in(&transaction, job).await?;
/// transaction.commit().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`crate::enqueue()`].
pub async fn enqueue_in<J: Job>(transaction: &Transaction<'_>, job: &J) -> Result<JobId, EnqueueError> {
    enqueue_in_with(transaction, job, &Options::default()).await
}

/// As [`crate::enqueue_with`], in a transaction of tokio-postgres.
///
/// # Errors
/// As [`crate::enqueue()`].
pub async fn enqueue_in_with<J: Job>(
    transaction: &Transaction<'_>,
    job: &J,
    options: &Options,
) -> Result<JobId, EnqueueError> {
    Ok(insert(transaction, &NewJob::of(job, options)?).await?)
}

/// Writes one job, or finds the one that has its key.
pub(crate) async fn insert(
    transaction: &Transaction<'_>,
    job: &NewJob,
) -> Result<JobId, tokio_postgres::Error> {
    let (id, is_new) = write(transaction, job).await?;
    if is_new && job.until == UniqueUntil::Forgotten && job.unique_key.is_some() {
        let values: [(&(dyn ToSql + Sync), Type); 3] =
            [(&job.kind, Type::TEXT), (&job.unique_key, Type::TEXT), (&job.id, Type::UUID)];
        if let Some(earlier) = transaction.query_typed(YIELD, &values).await?.first() {
            return Ok(JobId(earlier.try_get(0)?));
        }
    }
    Ok(JobId(id))
}

async fn write(transaction: &Transaction<'_>, job: &NewJob) -> Result<(Uuid, bool), tokio_postgres::Error> {
    let until_started = job.until == UniqueUntil::Started;
    let (replaces, moves) = (job.on_conflict == OnConflict::Replace, job.on_conflict == OnConflict::Move);
    let tags = (!job.tags.is_empty()).then_some(&job.tags);
    let values: [(&(dyn ToSql + Sync), Type); 15] = [
        (&job.id, Type::UUID),
        (&job.metadata, Type::TEXT),
        (&job.version, Type::INT2),
        (&job.queue, Type::TEXT),
        (&job.priority, Type::INT2),
        (&job.at, Type::TIMESTAMPTZ),
        (&job.unique_key, Type::TEXT),
        (&until_started, Type::BOOL),
        (&tags, Type::TEXT_ARRAY),
        (&job.trace, Type::TEXT),
        (&job.enqueued_by, Type::TEXT),
        (&replaces, Type::BOOL),
        (&moves, Type::BOOL),
        (&job.limit_key, Type::TEXT),
        (&job.uniq_hash, Type::TEXT),
    ];
    let row = transaction.query_typed_one(ONE, &values).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}
