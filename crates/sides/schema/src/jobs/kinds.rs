//! How many jobs stand how, by kind: at a cost that does not grow with how many wait.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Float},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

use super::seen::Kind;

/// A table of so many pages, or fewer, is counted: 8 MB, some 25,000 jobs.
const COUNTED_PAGES: i64 = 1000;
/// Of a longer one so many are looked at, anywhere in it.
const SAMPLED_PAGES: f32 = 300.0;

/// All of them.
const COUNTED: &str = "\
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
            THEN 'no running worker knows it' END AS held_up,
    NOT EXISTS (SELECT FROM sides.runners WHERE lease_until > now() AND kind = ANY (kinds)) AS waits_for_build,
    false AS estimated
FROM (SELECT *, state IN ('new', 'retried') AND parked_by IS NULL AS ready FROM sides.fang_tasks) AS tasks
WHERE state <> 'finished'
GROUP BY kind ORDER BY kind";

/// Those that run, were given up or parked are few and have indexes of their own: each is counted, up to 10,000. Of those that
/// wait the first 1,000 in order are looked at, and those of some pages.
const ESTIMATED: &str = "\
WITH sample AS MATERIALIZED (
    SELECT kind, scheduled_at FROM sides.fang_tasks TABLESAMPLE SYSTEM ($1)
    WHERE state IN ('new', 'retried') AND parked_by IS NULL
), first AS MATERIALIZED (
    SELECT kind, scheduled_at FROM sides.fang_tasks
    WHERE state IN ('new', 'retried') AND parked_by IS NULL AND crashes < 2
    ORDER BY priority, scheduled_at, id LIMIT 1000
), counted (kind, ready, scheduled, running, failed, parked, first_ready, first_scheduled, oldest) AS (
    SELECT kind, round(count(*) FILTER (WHERE scheduled_at <= now()) * 100 / $1::numeric)::bigint,
        round(count(*) FILTER (WHERE scheduled_at > now()) * 100 / $1::numeric)::bigint, 0, 0, 0, 0, 0,
        min(scheduled_at) FILTER (WHERE scheduled_at <= now() AND isfinite(scheduled_at))
    FROM sample GROUP BY kind
    UNION ALL SELECT kind, 0, 0, 0, 0, 0, count(*) FILTER (WHERE scheduled_at <= now()),
        count(*) FILTER (WHERE scheduled_at > now()),
        min(scheduled_at) FILTER (WHERE scheduled_at <= now() AND isfinite(scheduled_at))
    FROM first GROUP BY kind
    UNION ALL SELECT kind, 0, 0, count(*), 0, 0, 0, 0, NULL FROM (
        SELECT kind FROM sides.fang_tasks WHERE state = 'in_progress' ORDER BY owner LIMIT 10000) AS running GROUP BY kind
    UNION ALL SELECT kind, 0, 0, 0, count(*), 0, 0, 0, NULL FROM (
        SELECT kind FROM sides.fang_tasks WHERE state = 'failed' ORDER BY id LIMIT 10000) AS failed GROUP BY kind
    UNION ALL SELECT kind, 0, 0, 0, 0, count(*), 0, 0, NULL FROM (
        SELECT kind FROM sides.fang_tasks WHERE parked_by IS NOT NULL ORDER BY id LIMIT 10000) AS parked GROUP BY kind
)
SELECT kind, greatest(sum(ready), sum(first_ready))::bigint AS ready,
    greatest(sum(scheduled), sum(first_scheduled))::bigint AS scheduled,
    sum(running)::bigint AS running, sum(failed)::bigint AS failed, sum(parked)::bigint AS parked,
    extract(epoch FROM now() - min(oldest))::float8 AS oldest_ready_seconds,
    CASE WHEN EXISTS (SELECT FROM sides.job_rules WHERE scope = 'kind' AND name = kind AND paused) THEN 'paused'
        WHEN NOT EXISTS (SELECT FROM sides.runners WHERE lease_until > now() AND kind = ANY (kinds))
            THEN 'no running worker knows it' END AS held_up,
    NOT EXISTS (SELECT FROM sides.runners WHERE lease_until > now() AND kind = ANY (kinds)) AS waits_for_build,
    true AS estimated
FROM counted GROUP BY kind ORDER BY kind";

#[derive(QueryableByName)]
struct Pages {
    #[diesel(sql_type = BigInt)]
    pages: i64,
}

/// The kinds that have jobs which are not over. Where many jobs wait, how many is estimated, and a kind of which only a few
/// wait among the others' may be missing.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn kinds(connection: &mut AsyncPgConnection) -> QueryResult<Vec<Kind>> {
    match sampled_percent(connection).await? {
        None => sql_query(COUNTED).load(connection).await,
        Some(percent) => sql_query(ESTIMATED).bind::<Float, _>(percent).load(connection).await,
    }
}

/// Of a table that is too long to be looked at as a whole, the part that is.
pub(super) async fn sampled_percent(connection: &mut AsyncPgConnection) -> QueryResult<Option<f32>> {
    let pages =
        "SELECT pg_relation_size('sides.fang_tasks') / current_setting('block_size')::bigint AS pages";
    let Pages { pages } = sql_query(pages).get_result(connection).await?;
    #[expect(clippy::cast_precision_loss, reason = "a few pages more or less")]
    let percent = 100.0 * SAMPLED_PAGES / pages as f32;
    Ok((pages > COUNTED_PAGES).then_some(percent))
}
