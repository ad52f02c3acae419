//! What a release asks of the queue: which jobs wait for which handler, and how those of a build have ended.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

/// Each `kind` and `version` with jobs that are queued, scheduled, running or waiting for a retry.
pub const WAITING_KINDS: &str = "\
SELECT DISTINCT kind, version::int4 FROM sides.fang_tasks WHERE state IN ('new', 'retried', 'in_progress') AND kind <> ''";

/// The same, of a long queue the first hundred thousand jobs, each with the `arguments` that [`shapes`] reads. Arguments that
/// are no object have no fields.
const WAITING_SHAPES: &str = "\
WITH waiting AS (
    SELECT kind, version::int4 AS version, metadata - 'type' AS arguments FROM sides.fang_tasks
    WHERE state IN ('new', 'retried', 'in_progress') AND kind <> '' LIMIT 100000
)
SELECT DISTINCT kind, version, SHAPE FROM waiting WHERE NOT arguments ? '$arguments'";

/// In version 1 where no column says another: a release brings that itself. One that is paused may go on at any time.
const SCHEDULE_SHAPES: &str = "\
SELECT kind, coalesce((to_jsonb(stored) ->> 'version')::int, 1), SHAPE, name
FROM sides.stored_schedules AS stored ORDER BY name";

/// The type of each of the `arguments`.
const SHAPE: &str = "(
    SELECT coalesce(json_object_agg(key, CASE WHEN jsonb_typeof(value) <> 'number' THEN jsonb_typeof(value)
        WHEN value::text ~ '^-?[0-9]+$' THEN 'integer' ELSE 'number' END ORDER BY key), '{}')
    FROM jsonb_each(CASE jsonb_typeof(arguments) WHEN 'object' THEN arguments ELSE '{}' END)
)::text";

/// Kind, version and the JSON type of each argument, of the jobs that wait.
#[must_use]
pub fn shapes() -> String {
    WAITING_SHAPES.replace("SHAPE", SHAPE)
}

/// Kind, version, the JSON type of each argument and the name, of the schedules that were added.
#[must_use]
pub fn schedule_shapes() -> String {
    SCHEDULE_SHAPES.replace("SHAPE", SHAPE)
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

const IS_LEFT: &str = "\
SELECT EXISTS (SELECT FROM sides.fang_tasks WHERE kind = $1 AND version = $2
    AND state IN ('new', 'retried', 'in_progress')) AS answer";

/// Whether a job of this kind and version is queued, scheduled, running or waiting for a retry.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn is_left(connection: &mut AsyncPgConnection, kind: &str, version: u16) -> QueryResult<bool> {
    let query = sql_query(IS_LEFT).bind::<Text, _>(kind).bind::<Integer, _>(i32::from(version));
    let found: Answer = query.get_result(connection).await?;
    Ok(found.answer)
}

/// How many attempts at jobs of a kind there were.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Tally {
    /// Empty when it is not known any more.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// All of them.
    #[diesel(sql_type = BigInt)]
    pub all: i64,
    /// Those that failed.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
}

/// Of these kinds the one of most jobs, waiting or ended.
pub const BUSIEST_KIND: &str = "\
SELECT kind FROM (SELECT kind FROM sides.fang_tasks UNION ALL SELECT kind FROM sides.job_history) AS jobs
WHERE kind = ANY ($1) GROUP BY kind ORDER BY count(*) DESC, kind LIMIT 1";

/// An attempt names its job; that names its kind, where it waits or where it ended.
const ATTEMPTS: &str = "\
SELECT coalesce(kind, '') AS kind, count(*) AS all,
    count(*) FILTER (WHERE outcome IN ('retried', 'failed', 'parked', 'discarded')) AS failed FROM (
    SELECT coalesce((SELECT kind FROM sides.fang_tasks WHERE id = job_id),
        (SELECT kind FROM sides.job_history WHERE id = job_id LIMIT 1)) AS kind, outcome
    FROM sides.job_attempts
    WHERE release = $1 AND outcome <> 'released' AND ended_at > now() - interval '1 hour'
    UNION ALL SELECT kind, outcome FROM sides.job_history
    WHERE release = $1 AND finished_at > now() - interval '1 hour'
) AS attempts GROUP BY 1";

/// The attempts of this build that ended in the last hour, by kind.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn attempts_of(connection: &mut AsyncPgConnection, release: &str) -> QueryResult<Vec<Tally>> {
    sql_query(ATTEMPTS).bind::<Text, _>(release).load(connection).await
}
