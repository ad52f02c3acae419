//! A process that was seen to end: its jobs need not wait until others miss it.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

use crate::locks::ALL_HELD;

/// What was found of the runners of a process that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Ended {
    /// So many leases ended now.
    #[diesel(sql_type = BigInt)]
    pub leases: i64,
    /// So many have a session still: the server has not noticed yet, or it is another process.
    #[diesel(sql_type = BigInt)]
    pub held: i64,
}

/// Ends the leases of the runners of the process that had this id on this machine, those alone whose lock is gone, and tells
/// the others to take their jobs.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn note(connection: &mut AsyncPgConnection, host: &str, pid: i32) -> QueryResult<Ended> {
    let sql = format!(
        "WITH known AS MATERIALIZED (
            SELECT runners.id, sides.runner_lock(runners.id) = ANY (ARRAY({ALL_HELD})) AS is_held
            FROM sides.runners JOIN sides.instances ON instances.id = runners.instance
            WHERE instances.host = $1 AND instances.pid = $2 AND lease_until > now()
            FOR UPDATE OF runners SKIP LOCKED
        ), ended AS (
            UPDATE sides.runners SET lease_until = now(), presumed_dead = least(presumed_dead, 2147483646) + 1
            WHERE id = ANY (ARRAY(SELECT id FROM known WHERE NOT is_held))
            RETURNING pg_notify('sides_control', '')
        )
        SELECT (SELECT count(*) FROM ended) AS leases, (SELECT count(*) FROM known WHERE is_held) AS held"
    );
    sql_query(sql).bind::<Text, _>(host).bind::<Integer, _>(pid).get_result(connection).await
}
