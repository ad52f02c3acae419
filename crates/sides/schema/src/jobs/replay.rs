//! The jobs of the last hours, to be run again in a simulation.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Double, Integer},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

/// A job as it came and ran.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Recorded {
    /// When it was due: seconds after the first one.
    #[diesel(sql_type = Double)]
    pub at: f64,
    /// How long it ran, in seconds.
    #[diesel(sql_type = Double)]
    pub runs: f64,
}

/// A million jobs are enough to see.
const RECORDED: &str = "\
SELECT extract(epoch FROM scheduled_at - min(scheduled_at) OVER ())::float8 AS at,
    duration_us / 1000000.0::float8 AS runs
FROM sides.job_history WHERE isfinite(scheduled_at) AND finished_at > now() - $1 * interval '1 hour'
ORDER BY scheduled_at LIMIT 1000000";

/// The jobs that ended within so many hours, in the order in which they were due.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn recorded(connection: &mut AsyncPgConnection, hours: u16) -> QueryResult<Vec<Recorded>> {
    sql_query(RECORDED).bind::<Integer, _>(i32::from(hours)).load(connection).await
}
