//! Into the queue over any other database library: sqlx of any version, `postgres`, SeaORM.
//!
//! [`ENQUEUE`] is a statement with one parameter, a text; [`job()`] makes that text.
//!
//! ```
//! # use sides_queue::Job;
//! # async fn sign_up<J: Job>(pool: &sqlx::PgPool, welcome: &J) -> Result<(), Box<dyn std::error::Error>> {
//! let mut transaction = pool.begin().await?;
//! sqlx::query("INSERT INTO people (name) VALUES ($1)").bind("Ada").execute(&mut *transaction).await?;
//! let job = sides_queue::sql::job(welcome)?;
//! sqlx::query(sides_queue::sql::ENQUEUE).bind(job).execute(&mut *transaction).await?;
//! transaction.commit().await?;
//! # Ok(())
//! # }
//! ```

use job::Job;
use serde_json::{Map, Value, json};

use crate::{EnqueueError, OnConflict, Options, OptionsFault, UniqueUntil, arguments, insert::NewJob};

/// Writes the job that its one parameter describes, a text that [`job()`] has made, and returns the job's id, a `uuid`.
/// The job exists if and only if the transaction commits.
pub const ENQUEUE: &str = "\
SELECT sides.enqueue(job ->> 'kind', job -> 'arguments', job ->> 'queue', (job ->> 'run_at')::timestamptz,
    (job ->> 'priority')::integer, job ->> 'unique_key', job ->> 'limit_key',
    CASE WHEN job -> 'tags' IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(job -> 'tags')) END,
    job ->> 'trace', (job ->> 'version')::integer) AS id
FROM (SELECT $1::text::jsonb) AS given (job)";

/// A job as its policy says, for [`ENQUEUE`].
///
/// # Errors
/// When the arguments cannot be stored.
pub fn job<J: Job>(job: &J) -> Result<String, EnqueueError> {
    job_with(job, &Options::default())
}

/// A job with options of its own, for [`ENQUEUE`].
///
/// # Errors
/// When the arguments cannot be stored, or an option is one that only [`crate::enqueue_with`] and
/// [`crate::enqueue_in_with`] know: the terms of a unique key other than its period, and `enqueued_by`.
pub fn job_with<J: Job>(job: &J, options: &Options) -> Result<String, EnqueueError> {
    let refused =
        |what| EnqueueError::Options { kind: J::KIND.to_owned(), fault: OptionsFault::NotInSql(what) };
    if options.unique.until != UniqueUntil::default() {
        return Err(refused("unique.until"));
    }
    if options.unique.on_conflict != OnConflict::default() {
        return Err(refused("unique.on_conflict"));
    }
    if options.enqueued_by.is_some() {
        return Err(refused("enqueued_by"));
    }
    let row = NewJob::of(job, options)?;
    let metadata = serde_json::from_str(&row.metadata)
        .map_err(|source| EnqueueError::Serialize { kind: J::KIND.to_owned(), source })?;
    let mut said = Map::new();
    let mut say = |name: &str, value: Value| drop(said.insert(name.to_owned(), value));
    say("kind", row.kind.into());
    say("arguments", arguments::from_metadata(metadata));
    say("version", row.version.into());
    say("queue", row.queue.into());
    say("priority", row.priority.into());
    say("run_at", json!(row.at));
    say("unique_key", json!(row.unique_key));
    say("limit_key", json!(row.limit_key));
    say("trace", json!(row.trace));
    if !row.tags.is_empty() {
        say("tags", json!(row.tags));
    }
    Ok(Value::Object(said).to_string())
}
