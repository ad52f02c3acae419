//! Job rows as read from the database.

use anyhow::Context as _;
use database::{Connection, Json, Moment, Words};
use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName,
    sql_types::{
        Array, BigInt, Bool, Double, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
    },
};
use diesel_async::RunQueryDsl as _;
use serde::Serialize;
use uuid::Uuid;

use super::command::ListOptions;

/// One job.
#[derive(Debug, QueryableByName, Serialize)]
pub(super) struct Job {
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: Uuid,
    #[diesel(sql_type = Text)]
    pub(super) kind: String,
    #[diesel(sql_type = Text)]
    pub(super) queue: String,
    #[diesel(sql_type = Text)]
    pub(super) state: String,
    /// What a waiting job waits for.
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) waits_for: Option<String>,
    #[diesel(sql_type = SmallInt)]
    pub(super) attempt: i16,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) error: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) enqueued_by: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub(super) created_at: Moment,
    #[diesel(sql_type = Timestamptz)]
    pub(super) scheduled_at: Moment,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) finished_at: Option<Moment>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    pub(super) tags: Option<Words>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) trace: Option<String>,
    /// Left out unless they were asked for, and once the job is over.
    #[diesel(sql_type = Nullable<Jsonb>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arguments: Option<Json>,
}

/// One attempt that has ended.
#[derive(Debug, QueryableByName, Serialize)]
pub(super) struct Attempt {
    #[diesel(sql_type = SmallInt)]
    pub(super) attempt: i16,
    #[diesel(sql_type = Text)]
    pub(super) outcome: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) error: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) release: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(super) duration_us: Option<i64>,
    #[diesel(sql_type = Timestamptz)]
    pub(super) ended_at: Moment,
}

/// How many jobs of a kind stand how.
#[derive(Debug, QueryableByName, Serialize)]
pub(super) struct Kind {
    #[diesel(sql_type = Text)]
    pub(super) kind: String,
    #[diesel(sql_type = BigInt)]
    pub(super) ready: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) scheduled: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) running: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) failed: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) parked: i64,
    #[diesel(sql_type = Nullable<Double>)]
    pub(super) oldest_ready_seconds: Option<f64>,
    /// What holds it up, if anything does.
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) held_up: Option<String>,
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

const KINDS: &str = "\
SELECT kind,
    count(*) FILTER (WHERE ready AND scheduled_at <= now()) AS ready,
    count(*) FILTER (WHERE ready AND scheduled_at > now()) AS scheduled,
    count(*) FILTER (WHERE state = 'in_progress') AS running,
    count(*) FILTER (WHERE state = 'failed') AS failed,
    count(*) FILTER (WHERE parked_by IS NOT NULL) AS parked,
    extract(epoch FROM now() - min(scheduled_at) FILTER (WHERE ready AND scheduled_at <= now() AND isfinite(scheduled_at)))::float8
        AS oldest_ready_seconds,
    CASE WHEN EXISTS (SELECT FROM sides.job_rules WHERE scope = 'kind' AND name = kind AND paused) THEN 'paused'
        WHEN NOT EXISTS (SELECT FROM sides.runners WHERE lease_until > now() AND kind = ANY (kinds))
            THEN 'no running worker knows it' END AS held_up
FROM (SELECT *, state IN ('new', 'retried') AND parked_by IS NULL AS ready FROM sides.fang_tasks) AS tasks
WHERE state <> 'finished'
GROUP BY kind ORDER BY kind";

const STALE: &str = "cannot read the jobs; is the schema up to date? run `sides migration up`";

pub(super) async fn list(connection: &mut Connection, options: &ListOptions) -> anyhow::Result<Vec<Job>> {
    let sql = if options.state.is_some_and(super::command::State::is_over) { OVER } else { LIVE };
    let query = diesel::sql_query(sql)
        .bind::<Nullable<Text>, _>(&options.kind)
        .bind::<Nullable<Text>, _>(&options.queue)
        .bind::<Nullable<Text>, _>(options.state.map(super::command::State::name))
        .bind::<Nullable<Text>, _>(&options.tag)
        .bind::<Integer, _>(i32::try_from(options.hours).unwrap_or(i32::MAX))
        .bind::<BigInt, _>(i64::from(options.count));
    query.load(connection).await.context(STALE)
}

/// The job, wherever it is.
pub(super) async fn find(
    connection: &mut Connection,
    id: Uuid,
    arguments: bool,
) -> anyhow::Result<Option<Job>> {
    let live = diesel::sql_query(ONE_LIVE).bind::<SqlUuid, _>(id).bind::<Bool, _>(arguments);
    let found: QueryResult<Option<Job>> = live.get_result(connection).await.optional();
    if let Some(job) = found.context(STALE)? {
        return Ok(Some(job));
    }
    let over = diesel::sql_query(ONE_OVER).bind::<SqlUuid, _>(id);
    Ok(over.get_result(connection).await.optional()?)
}

pub(super) async fn attempts(connection: &mut Connection, id: Uuid) -> anyhow::Result<Vec<Attempt>> {
    Ok(diesel::sql_query(ATTEMPTS).bind::<SqlUuid, _>(id).load(connection).await?)
}

pub(super) async fn kinds(connection: &mut Connection) -> anyhow::Result<Vec<Kind>> {
    diesel::sql_query(KINDS).load(connection).await.context(STALE)
}
