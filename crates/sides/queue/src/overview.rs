//! What waits, runs and has failed, by kind: for people.

use database::Connection;
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Bool, Double, Nullable, Text},
};
use diesel_async::RunQueryDsl as _;
use serde::Serialize;

use crate::prepared::Prepared;

/// One kind of job that has jobs in the queue.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct KindOverview {
    /// The kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Due, and waiting for a slot.
    #[diesel(sql_type = BigInt)]
    pub ready: i64,
    /// Not due yet; retries that wait included.
    #[diesel(sql_type = BigInt)]
    pub scheduled: i64,
    /// In flight at a runner.
    #[diesel(sql_type = BigInt)]
    pub running: i64,
    /// Given up; kept until someone retries or deletes them.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
    /// Set aside because no build so far could read their arguments.
    #[diesel(sql_type = BigInt)]
    pub parked: i64,
    /// How long the oldest ready job has been due, in seconds.
    #[diesel(sql_type = Nullable<Double>)]
    pub oldest_ready_seconds: Option<f64>,
    /// No running worker knows this kind: its jobs wait for a build that does.
    #[diesel(sql_type = Bool)]
    pub waits_for_build: bool,
}

const OVERVIEW: &str = "\
SELECT kind,
    count(*) FILTER (WHERE ready AND scheduled_at <= now()) AS ready,
    count(*) FILTER (WHERE ready AND scheduled_at > now()) AS scheduled,
    count(*) FILTER (WHERE state = 'in_progress') AS running,
    count(*) FILTER (WHERE state = 'failed') AS failed,
    count(*) FILTER (WHERE parked_by IS NOT NULL) AS parked,
    extract(epoch FROM now() - min(scheduled_at) FILTER (WHERE ready AND scheduled_at <= now() AND isfinite(scheduled_at)))::float8
        AS oldest_ready_seconds,
    NOT EXISTS (
        SELECT FROM sides.runners WHERE lease_until > now() AND tasks.kind = ANY (kinds)
    ) AS waits_for_build
FROM (
    SELECT *, state IN ('new', 'retried') AND parked_by IS NULL AS ready FROM sides.fang_tasks
) AS tasks
WHERE state <> 'finished'
GROUP BY kind ORDER BY kind";

/// The queue by kind.
///
/// # Errors
/// When the database is unavailable.
pub async fn overview(connection: &mut Connection) -> QueryResult<Vec<KindOverview>> {
    Prepared(diesel::sql_query(OVERVIEW)).load(connection).await
}
