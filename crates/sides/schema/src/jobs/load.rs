//! The load of the queue, and how busy those are that work it.

use std::{collections::HashMap, time::Duration};

use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Double, Float, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use uuid::Uuid;

use super::kinds::sampled_percent;

/// A running instance that works jobs.
#[derive(QueryableByName)]
struct Runner {
    #[diesel(sql_type = Integer)]
    concurrency: i32,
    #[diesel(sql_type = BigInt)]
    busy: i64,
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = Nullable<Double>)]
    oldest: Option<f64>,
}

#[derive(QueryableByName)]
struct Ended {
    #[diesel(sql_type = SqlUuid)]
    instance: Uuid,
    #[diesel(sql_type = BigInt)]
    jobs: i64,
}

const RUNNERS: &str = "\
SELECT concurrency, (
    SELECT count(*) FROM sides.fang_tasks WHERE state = 'in_progress' AND owner = runners.id
) AS busy
FROM sides.runners JOIN sides.instances ON instances.id = runners.instance
WHERE process = $1 AND instances.state = 'ready' AND lease_until > now()";

/// What one replica more could run: known, not paused, and not held by a limit. Of a long queue the first 20,000 that are due
/// in each priority are looked at, and where these are more those of some pages: behind many that cannot run there may be others
/// that can.
const WAITING: &str = "\
WITH RECURSIVE level (priority) AS (
    (SELECT priority FROM sides.fang_tasks WHERE state IN ('new', 'retried') AND parked_by IS NULL AND crashes < 2
        ORDER BY priority LIMIT 1)
    UNION ALL
    SELECT (SELECT task.priority FROM sides.fang_tasks AS task
        WHERE task.state IN ('new', 'retried') AND task.parked_by IS NULL AND task.crashes < 2
            AND task.priority > level.priority
        ORDER BY task.priority LIMIT 1)
    FROM level WHERE level.priority IS NOT NULL
), due AS MATERIALIZED (
    SELECT first.* FROM level, LATERAL (
        SELECT scheduled_at, kind, task_type FROM sides.fang_tasks AS task
        WHERE task.state IN ('new', 'retried') AND task.parked_by IS NULL AND task.crashes < 2
            AND task.priority = level.priority AND task.scheduled_at <= now()
        ORDER BY task.scheduled_at, task.id LIMIT 20000
    ) AS first LIMIT 100000
), sample AS MATERIALIZED (
    SELECT scheduled_at, kind, task_type FROM sides.fang_tasks TABLESAMPLE SYSTEM ($2)
    WHERE $2 < 100 AND (SELECT count(*) FROM due) >= 20000 AND state IN ('new', 'retried') AND parked_by IS NULL AND crashes < 2 AND scheduled_at <= now()
), known AS MATERIALIZED (
    SELECT DISTINCT unnest(kinds) AS kind FROM sides.runners JOIN sides.instances ON instances.id = runners.instance
    WHERE process = $1 AND lease_until > now()
), held AS MATERIALIZED (
    SELECT scope, name FROM sides.job_rules WHERE paused OR sides.is_limited(job_rules)
), found (jobs, oldest) AS (
    SELECT count(*), min(scheduled_at) FROM due
    WHERE isfinite(scheduled_at) AND kind IN (SELECT kind FROM known)
        AND NOT EXISTS (SELECT FROM held WHERE name = CASE scope WHEN 'kind' THEN kind ELSE task_type END)
    UNION ALL SELECT round(count(*) * 100 / $2::numeric)::bigint, min(scheduled_at) FROM sample
    WHERE isfinite(scheduled_at) AND kind IN (SELECT kind FROM known)
        AND NOT EXISTS (SELECT FROM held WHERE name = CASE scope WHEN 'kind' THEN kind ELSE task_type END)
)
SELECT least(max(jobs), 20000) AS waiting, extract(epoch FROM now() - min(oldest))::float8 AS oldest FROM found";

const ENDED: &str = "\
SELECT instance, count(*) AS jobs FROM sides.runners
JOIN sides.job_history ON owner = runners.id AND finished_at >= runners.started_at
    -- Which days these are is known before any is read.
    AND finished_at >= (SELECT min(started_at) FROM sides.runners WHERE lease_until > now())
WHERE lease_until > now() GROUP BY instance";

/// What the queue says of a process.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Load {
    /// How many jobs one instance works at a time.
    pub slots: u32,
    /// Slots of all instances with a job.
    pub busy: u32,
    /// Instances without a job.
    pub idle: u32,
    /// Jobs that one instance more could run; 20,000 are enough to count.
    pub waiting: u32,
    /// How long the oldest of them has been due.
    pub oldest: Duration,
}

/// What the queue says of a process.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn read(connection: &mut AsyncPgConnection, process: &str) -> QueryResult<Load> {
    let runners: Vec<Runner> = diesel::sql_query(RUNNERS).bind::<Text, _>(process).load(connection).await?;
    let percent = sampled_percent(connection).await?.unwrap_or(100.0);
    let query = diesel::sql_query(WAITING).bind::<Text, _>(process).bind::<Float, _>(percent);
    let waiting: Waiting = query.get_result(connection).await?;
    // What is claimed ahead is no busy place.
    let busy = runners.iter().map(|runner| small(runner.busy.min(runner.concurrency.into()))).sum();
    Ok(Load {
        slots: runners.iter().map(|runner| small(runner.concurrency.into())).max().unwrap_or(0),
        busy,
        idle: small(i64::try_from(runners.iter().filter(|runner| runner.busy == 0).count()).unwrap_or(0)),
        waiting: small(waiting.waiting),
        oldest: waiting.oldest.and_then(|age| Duration::try_from_secs_f64(age).ok()).unwrap_or_default(),
    })
}

/// How many jobs each running instance has ended.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn ended(connection: &mut AsyncPgConnection) -> QueryResult<HashMap<Uuid, u64>> {
    let rows: Vec<Ended> = diesel::sql_query(ENDED).load(connection).await?;
    Ok(rows.into_iter().map(|row| (row.instance, u64::try_from(row.jobs).unwrap_or(0))).collect())
}

fn small(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}
