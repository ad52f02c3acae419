//! Jobs as people see them: those that are not over, those that are, each attempt, each kind.

use database::{Json, Moment, Words};
use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName,
    sql_types::{
        Array, BigInt, Bool, Double, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
    },
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use serde::Serialize;
use uuid::Uuid;

/// One job.
#[derive(Debug, Clone, QueryableByName, Serialize)]
pub struct Job {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Its queue.
    #[diesel(sql_type = Text)]
    pub queue: String,
    /// `waits`, `runs`, `parked` or `failed`; how it ended, once it is over.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// What a waiting job waits for.
    #[diesel(sql_type = Nullable<Text>)]
    pub waits_for: Option<String>,
    /// The number of the attempt.
    #[diesel(sql_type = SmallInt)]
    pub attempt: i16,
    /// What went wrong last.
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
    /// Who enqueued it.
    #[diesel(sql_type = Nullable<Text>)]
    pub enqueued_by: Option<String>,
    /// When it was enqueued.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: Moment,
    /// When it is due.
    #[diesel(sql_type = Timestamptz)]
    pub scheduled_at: Moment,
    /// When it ended.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<Moment>,
    /// Its tags.
    #[diesel(sql_type = Nullable<Array<Text>>)]
    pub tags: Option<Words>,
    /// The W3C trace context that it was enqueued in.
    #[diesel(sql_type = Nullable<Text>)]
    pub trace: Option<String>,
    /// Left out unless they were asked for, and once the job is over.
    #[diesel(sql_type = Nullable<Jsonb>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Json>,
}

/// One attempt that has ended.
#[derive(Debug, Clone, QueryableByName, Serialize)]
pub struct Attempt {
    /// The number of the attempt.
    #[diesel(sql_type = SmallInt)]
    pub attempt: i16,
    /// How it ended.
    #[diesel(sql_type = Text)]
    pub outcome: String,
    /// What went wrong last.
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
    /// The build of the worker.
    #[diesel(sql_type = Nullable<Text>)]
    pub release: Option<String>,
    /// How long it took, in microseconds.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub duration_us: Option<i64>,
    /// When it ended.
    #[diesel(sql_type = Timestamptz)]
    pub ended_at: Moment,
}

/// How many jobs of a kind stand how.
#[derive(Debug, Clone, QueryableByName, Serialize)]
pub struct Kind {
    /// Its kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Due, and waiting for a worker.
    #[diesel(sql_type = BigInt)]
    pub ready: i64,
    /// Not due yet.
    #[diesel(sql_type = BigInt)]
    pub scheduled: i64,
    /// In flight.
    #[diesel(sql_type = BigInt)]
    pub running: i64,
    /// Given up.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
    /// Set aside, since no build could read them.
    #[diesel(sql_type = BigInt)]
    pub parked: i64,
    /// How long the oldest ready one has been due, in seconds.
    #[diesel(sql_type = Nullable<Double>)]
    pub oldest_ready_seconds: Option<f64>,
    /// What holds it up, if anything does.
    #[diesel(sql_type = Nullable<Text>)]
    pub held_up: Option<String>,
    /// No running worker knows this kind: its jobs wait for a build that does.
    #[diesel(sql_type = Bool)]
    #[serde(skip)]
    pub waits_for_build: bool,
    /// `ready` and `scheduled` are estimates, give or take a tenth: more wait than are worth counting each time somebody looks.
    #[diesel(sql_type = Bool)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

/// The jobs that are not over, and what follows.
macro_rules! live {
    ($rest:literal) => {
        concat!(
            "WITH seen AS ( \
                 SELECT *, CASE WHEN parked_by IS NOT NULL THEN 'parked' WHEN state IN ('new', 'retried') THEN 'waits' \
                     WHEN state = 'in_progress' THEN 'runs' ELSE state::text END AS stands \
                 FROM sides.fang_tasks \
             ) \
             SELECT id, kind, task_type AS queue, stands AS state, \
                 CASE WHEN stands <> 'waits' THEN NULL \
                     WHEN EXISTS (SELECT FROM sides.job_rules WHERE scope = 'kind' AND name = kind AND paused) \
                         THEN 'its kind, which is paused' \
                     WHEN EXISTS (SELECT FROM sides.job_rules WHERE scope = 'queue' AND name = task_type AND paused) \
                         THEN 'its queue, which is paused' \
                     WHEN scheduled_at > now() THEN 'its time' \
                     WHEN NOT EXISTS (SELECT FROM sides.runners WHERE lease_until > now() AND kind = ANY (kinds)) \
                         THEN 'a worker that knows its kind' \
                     ELSE 'a free worker' END AS waits_for, \
                 attempt, error_message AS error, enqueued_by, created_at, scheduled_at, \
                 NULL::timestamptz AS finished_at, tags, trace, ",
            $rest
        )
    };
}

/// The jobs that are over, and what follows.
macro_rules! over {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, queue, outcome AS state, NULL AS waits_for, attempt, error, enqueued_by, created_at, \
                 scheduled_at, finished_at, tags, trace, NULL::jsonb AS arguments \
             FROM sides.job_history ",
            $rest
        )
    };
}

const LIVE: &str = live!(
    "NULL::jsonb AS arguments FROM seen \
     WHERE ($1 IS NULL OR kind = $1) AND ($2 IS NULL OR task_type = $2) AND ($3 IS NULL OR stands = $3) \
         AND ($4 IS NULL OR $4 = ANY (tags)) AND $5 > 0 \
     ORDER BY created_at DESC, id LIMIT $6"
);
const OVER: &str = over!(
    "WHERE ($1 IS NULL OR kind = $1) AND ($2 IS NULL OR queue = $2) AND ($3 IS NULL OR outcome = $3) \
         AND ($4 IS NULL OR $4 = ANY (tags)) AND finished_at > now() - make_interval(hours => $5) \
     ORDER BY finished_at DESC, id LIMIT $6"
);
const ONE_LIVE: &str = live!(
    "CASE WHEN NOT $2 THEN NULL WHEN metadata ? '$arguments' THEN metadata -> '$arguments' \
        WHEN jsonb_typeof(metadata) = 'object' THEN metadata - 'type' ELSE metadata END AS arguments \
     FROM seen WHERE id = $1"
);
const ONE_OVER: &str = over!("WHERE id = $1 ORDER BY finished_at DESC LIMIT 1");

/// The one that ended the job is among them.
const ATTEMPTS: &str = "\
SELECT attempt, outcome, error, release, duration_us, ended_at FROM sides.job_attempts WHERE job_id = $1
UNION ALL
SELECT attempt, outcome, CASE WHEN outcome <> 'finished' THEN error END, release, duration_us, finished_at
FROM sides.job_history WHERE id = $1 AND claimed_at IS NOT NULL
ORDER BY ended_at, attempt";

/// Which jobs to list.
#[derive(Debug, Clone, Copy)]
pub struct Filter<'a> {
    /// Only of this kind.
    pub kind: Option<&'a str>,
    /// Only in this queue.
    pub queue: Option<&'a str>,
    /// Only in this state, as [`Job::state`] has it.
    pub state: Option<&'a str>,
    /// Only with this tag.
    pub tag: Option<&'a str>,
    /// Whether to list those that are over.
    pub is_over: bool,
    /// How many hours back, for those that are over.
    pub hours: u32,
    /// How many at most.
    pub count: u32,
}

/// The newest jobs among those that are over, or those that are not.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn list(connection: &mut AsyncPgConnection, filter: &Filter<'_>) -> QueryResult<Vec<Job>> {
    let query = diesel::sql_query(if filter.is_over { OVER } else { LIVE })
        .bind::<Nullable<Text>, _>(filter.kind)
        .bind::<Nullable<Text>, _>(filter.queue)
        .bind::<Nullable<Text>, _>(filter.state)
        .bind::<Nullable<Text>, _>(filter.tag)
        .bind::<Integer, _>(i32::try_from(filter.hours).unwrap_or(i32::MAX))
        .bind::<BigInt, _>(i64::from(filter.count));
    query.load(connection).await
}

/// The job, wherever it is; with its arguments if they are asked for and it is not over.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn find(connection: &mut AsyncPgConnection, id: Uuid, arguments: bool) -> QueryResult<Option<Job>> {
    let live = diesel::sql_query(ONE_LIVE).bind::<SqlUuid, _>(id).bind::<Bool, _>(arguments);
    let found: Option<Job> = live.get_result(connection).await.optional()?;
    if found.is_some() {
        return Ok(found);
    }
    let over = diesel::sql_query(ONE_OVER).bind::<SqlUuid, _>(id);
    over.get_result(connection).await.optional()
}

/// The attempts of a job that have ended, the first one first.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn attempts(connection: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Vec<Attempt>> {
    diesel::sql_query(ATTEMPTS).bind::<SqlUuid, _>(id).load(connection).await
}
