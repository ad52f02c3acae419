//! A job's whole life: who enqueued it, every attempt, how it ended.

use chrono::{DateTime, Utc};
use database::{Connection, Moment, OptionalMoment, Words};
use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName,
    sql_types::{Array, BigInt, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl as _;
use serde::Serialize;
use uuid::Uuid;

use crate::{JobId, prepared::Prepared};

/// A job from its enqueueing to its end, or to now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Life {
    /// The job itself.
    pub job: JobSeen,
    /// Every attempt that has ended, the first one first. The one that ended the job is among them.
    pub attempts: Vec<AttemptSeen>,
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct JobSeen {
    /// What it is called.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// What it does.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Where it waits, or waited.
    #[diesel(sql_type = Text)]
    pub queue: String,
    /// `waits`, `parked`, `runs`, `failed`; or, when it is over, `finished`, `discarded` or `cancelled`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// The last error.
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
    /// How often it was started, not counting attempts that were given back.
    #[diesel(sql_type = SmallInt)]
    pub attempt: i16,
    /// Process and release.
    #[diesel(sql_type = Nullable<Text>)]
    pub enqueued_by: Option<String>,
    /// When it was enqueued.
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    pub created_at: DateTime<Utc>,
    /// When it was, or is, due.
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    pub scheduled_at: DateTime<Utc>,
    /// When it was over.
    #[diesel(sql_type = Nullable<Timestamptz>, deserialize_as = OptionalMoment)]
    pub finished_at: Option<DateTime<Utc>>,
    /// The words it was enqueued with.
    #[diesel(sql_type = Nullable<Array<Text>>)]
    pub tags: Option<Words>,
    /// The trace it belongs to.
    #[diesel(sql_type = Nullable<Text>)]
    pub trace: Option<String>,
}

/// One attempt that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct AttemptSeen {
    /// 1 the first time. An attempt that was given back has the number of the one after it.
    #[diesel(sql_type = SmallInt)]
    pub attempt: i16,
    /// `retried`, `failed`, `snoozed`, `parked`, `released` (given back, mostly before it began), `lost`, or how the job
    /// ended.
    #[diesel(sql_type = Text)]
    pub outcome: String,
    /// What went wrong.
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
    /// The release that ran it.
    #[diesel(sql_type = Nullable<Text>)]
    pub release: Option<String>,
    /// How long it ran, in microseconds; unknown when its runner died.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub duration_us: Option<i64>,
    /// When it ended, or was found to have ended.
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    pub ended_at: DateTime<Utc>,
}

const JOB: &str = "\
SELECT id, kind, task_type AS queue,
    CASE WHEN parked_by IS NOT NULL THEN 'parked' WHEN state IN ('new', 'retried') THEN 'waits'
        WHEN state = 'in_progress' THEN 'runs' ELSE state::text END AS state,
    error_message AS error, attempt, enqueued_by, created_at, scheduled_at, NULL::timestamptz AS finished_at,
    tags, trace
FROM sides.fang_tasks WHERE id = $1
UNION ALL
SELECT id, kind, queue, outcome, error, attempt, enqueued_by, created_at, scheduled_at, finished_at, tags, trace
FROM sides.job_history WHERE id = $1
LIMIT 1";

const ATTEMPTS: &str = "\
SELECT attempt, outcome, error, release, duration_us, ended_at FROM sides.job_attempts WHERE job_id = $1
UNION ALL
SELECT attempt, outcome, CASE WHEN outcome <> 'finished' THEN error END, release, duration_us, finished_at
FROM sides.job_history WHERE id = $1 AND claimed_at IS NOT NULL
ORDER BY ended_at, attempt";

/// The life of a job; `None` when nobody remembers it.
///
/// # Errors
/// When the database is unavailable.
pub async fn life(connection: &mut Connection, id: JobId) -> QueryResult<Option<Life>> {
    let job =
        Prepared(diesel::sql_query(JOB).bind::<SqlUuid, _>(id.0)).get_result(connection).await.optional()?;
    let Some(job) = job else { return Ok(None) };
    let attempts = Prepared(diesel::sql_query(ATTEMPTS).bind::<SqlUuid, _>(id.0)).load(connection).await?;
    Ok(Some(Life { job, attempts }))
}
