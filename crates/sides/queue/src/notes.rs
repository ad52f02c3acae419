//! What a job says of itself: where its next attempt goes on, how far it is, what came of it.
//!
//! A handler notes it in whatever transaction, and the note is there if and only if that commits. So a long job that does its
//! work in steps, each in a transaction with its cursor, does each step once, through drains, deaths and lost leases:
//!
//! ```
//! use diesel::sql_types::BigInt;
//! use diesel_async::{AsyncConnection as _, RunQueryDsl as _};
//! use sides_queue::{Connection, Context, Job, JobError, JobId, notes};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Import {
//!     rows: i64,
//! }
//! # impl Job for Import { const KIND: &'static str = "import"; }
//! # async fn connect() -> Result<Connection, JobError> {
//! #     Connection::establish("postgres:///app").await.map_err(|error| JobError::retry(error.to_string()))
//! # }
//!
//! async fn import(job: Import, context: Context<()>) -> Result<(), JobError> {
//!     let mut connection = connect().await?;
//!     let mut done: i64 = notes::cursor(&mut connection, context.job_id).await?.unwrap_or(0);
//!     while done < job.rows {
//!         if context.is_cancelled() {
//!             // The process drains: another one goes on where this one stops, and no attempt is counted.
//!             return Err(JobError::retry("to be continued"));
//!         }
//!         let next = done + 1000;
//!         let step = connection.transaction::<_, JobError, _>(async |connection| {
//!             let copy = diesel::sql_query("INSERT INTO imported SELECT generate_series($1, $2 - 1)");
//!             copy.bind::<BigInt, _>(done).bind::<BigInt, _>(next).execute(connection).await?;
//!             notes::save_cursor(connection, &context, &next).await?;
//!             Ok(())
//!         });
//!         step.await?;
//!         done = next;
//!         notes::set_progress(&mut connection, &context, done as f32 / job.rows as f32, "rows").await?;
//!     }
//!     Ok(notes::set_result(&mut connection, &context, &done).await?)
//! }
//!
//! // Whoever enqueued it may wait for it.
//! # async fn enqueuer(connection: &mut Connection, id: JobId) -> Result<(), Box<dyn std::error::Error>> {
//! match notes::wait(connection, id, std::time::Duration::from_secs(30)).await? {
//!     notes::Waited::Over { outcome, result, .. } => println!("{outcome}: {result:?}"),
//!     notes::Waited::NotYet(seen) => println!("{:.0} %", seen.progress.unwrap_or(0.0) * 100.0),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A note lives as long as the history remembers its job. A job that notes nothing costs nothing. Other languages call
//! `sides.note` and `sides.noted`.

use std::time::Duration;

use database::Connection;
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{Bool, Float, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl as _;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Context, JobId, prepared::Prepared};

/// Why nothing was noted or read.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// Another worker may have the job by now: stop, and let the transaction fail.
    #[error("the lease was lost: another worker may have the job")]
    LeaseLost,
    /// It is no JSON, or none of this type.
    #[error("a note does not go to or from JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The database refused or is away.
    #[error("the note could not be written or read: {0}")]
    Database(#[from] diesel::result::Error),
}

/// The job's row is locked, so that until this transaction ends nobody takes the job for lost.
const NOTE: &str = "\
WITH held AS MATERIALIZED (
    SELECT id FROM sides.fang_tasks WHERE id = $1 AND lease = $2 AND state = 'in_progress' FOR SHARE
)
INSERT INTO sides.job_notes AS there (job_id, cursor, progress, message, result)
SELECT id, $3::jsonb, $4, $5, $6::jsonb FROM held
ON CONFLICT (job_id) DO UPDATE SET updated_at = now(), cursor = coalesce(excluded.cursor, there.cursor),
    progress = coalesce(excluded.progress, there.progress), message = coalesce(excluded.message, there.message),
    result = coalesce(excluded.result, there.result)";

#[derive(Default)]
struct Note<'a> {
    cursor: Option<String>,
    progress: Option<f32>,
    message: Option<&'a str>,
    result: Option<String>,
}

async fn note<S>(c: &mut Connection, context: &Context<S>, note: Note<'_>) -> Result<(), NoteError> {
    let query = diesel::sql_query(NOTE)
        .bind::<SqlUuid, _>(context.job_id.0)
        .bind::<Integer, _>(context.lease)
        .bind::<Nullable<Text>, _>(note.cursor)
        .bind::<Nullable<Float>, _>(note.progress)
        .bind::<Nullable<Text>, _>(note.message)
        .bind::<Nullable<Text>, _>(note.result);
    match Prepared(query).execute(c).await? {
        0 => Err(NoteError::LeaseLost),
        _ => Ok(()),
    }
}

/// Notes where the next attempt goes on, in the transaction that does what lies before.
///
/// # Errors
/// When the lease was lost, or the database refuses.
pub async fn save_cursor<S, T: Serialize>(
    connection: &mut Connection,
    context: &Context<S>,
    cursor: &T,
) -> Result<(), NoteError> {
    note(connection, context, Note { cursor: Some(serde_json::to_string(cursor)?), ..Note::default() }).await
}

/// Notes how far the job is, from 0 to 1, and a word for people.
///
/// # Errors
/// As [`save_cursor`].
pub async fn set_progress<S>(
    connection: &mut Connection,
    context: &Context<S>,
    part: f32,
    message: &str,
) -> Result<(), NoteError> {
    let progress = Some(if part.is_nan() { 0.0 } else { part.clamp(0.0, 1.0) });
    note(connection, context, Note { progress, message: Some(message), ..Note::default() }).await
}

/// Notes what came of the job, for whoever waits for it. Small: a large thing belongs elsewhere, and its id here.
///
/// # Errors
/// As [`save_cursor`].
pub async fn set_result<S, T: Serialize>(
    connection: &mut Connection,
    context: &Context<S>,
    result: &T,
) -> Result<(), NoteError> {
    note(connection, context, Note { result: Some(serde_json::to_string(result)?), ..Note::default() }).await
}

/// Where an earlier attempt said that the next one goes on; `None` the first time.
///
/// # Errors
/// When the database refuses, or the cursor is of another type.
pub async fn cursor<T: DeserializeOwned>(
    connection: &mut Connection,
    job: JobId,
) -> Result<Option<T>, NoteError> {
    #[derive(QueryableByName)]
    struct Cursor {
        #[diesel(sql_type = Text)]
        cursor: String,
    }
    let sql = "SELECT cursor::text FROM sides.job_notes WHERE job_id = $1 AND cursor IS NOT NULL";
    let query = Prepared(diesel::sql_query(sql).bind::<SqlUuid, _>(job.0));
    let found: Option<Cursor> = query.get_result(connection).await.optional()?;
    Ok(found.map(|found| serde_json::from_str(&found.cursor)).transpose()?)
}

/// What a job has noted so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// How far it is, from 0 to 1.
    pub progress: Option<f32>,
    /// The word with it.
    pub message: Option<String>,
    /// What came of it, once it has said so.
    pub result: Option<Value>,
}

/// How a wait for a job ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Waited {
    /// The job is over.
    Over {
        /// `finished`, `discarded` or `cancelled`; `failed` after its last attempt; `unknown` when nobody remembers it.
        outcome: String,
        /// What it noted as its result.
        result: Option<Value>,
        /// Why, unless it finished.
        error: Option<String>,
    },
    /// It waits or runs still.
    NotYet(Seen),
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = Nullable<Text>)]
    error: Option<String>,
    #[diesel(sql_type = Bool)]
    over: bool,
    #[diesel(sql_type = Nullable<Float>)]
    progress: Option<f32>,
    #[diesel(sql_type = Nullable<Text>)]
    message: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    result: Option<String>,
}

/// One that failed for good stays in the table of jobs, for people.
const STANDS: &str = "\
SELECT coalesce(over.outcome, live.state::text, 'unknown') AS outcome, coalesce(over.error, live.error_message) AS error,
    live.id IS NULL OR live.state IN ('failed', 'finished') AS over, progress, message, result::text AS result
FROM (SELECT $1::uuid AS id) AS wanted
LEFT JOIN sides.fang_tasks AS live ON live.id = wanted.id
LEFT JOIN LATERAL (SELECT * FROM sides.job_history AS past WHERE past.id = wanted.id AND live.id IS NULL
    ORDER BY finished_at DESC LIMIT 1) AS over ON true
LEFT JOIN sides.job_notes AS note ON note.job_id = wanted.id";

/// How a job stands: over, with its result, or not yet, with its progress.
///
/// # Errors
/// When the database refuses, or the result is no JSON that can be read.
pub async fn look(connection: &mut Connection, job: JobId) -> Result<Waited, NoteError> {
    let query = Prepared(diesel::sql_query(STANDS).bind::<SqlUuid, _>(job.0));
    let row: Row = query.get_result(connection).await?;
    let result = row.result.map(|text| serde_json::from_str(&text)).transpose()?;
    Ok(if row.over {
        let error = row.error.filter(|_| row.outcome != "finished");
        Waited::Over { outcome: row.outcome, result, error }
    } else {
        Waited::NotYet(Seen { progress: row.progress, message: row.message, result })
    })
}

/// Waits until a job is over, at most this long: asks after 10 ms, and at last twice a second. Not within a transaction of
/// `REPEATABLE READ` or above, which sees no end.
///
/// # Errors
/// As [`look`].
pub async fn wait(connection: &mut Connection, job: JobId, limit: Duration) -> Result<Waited, NoteError> {
    let deadline = tokio::time::Instant::now() + limit;
    let mut pause = Duration::from_millis(10);
    loop {
        let seen = look(connection, job).await?;
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        if matches!(seen, Waited::Over { .. }) || left.is_zero() {
            return Ok(seen);
        }
        tokio::time::sleep(pause.min(left)).await;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}
