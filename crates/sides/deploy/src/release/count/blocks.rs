//! Lock waits, with who waited for whom.

use std::fmt;

use database::Connection;
use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName,
    sql_types::{Double, Nullable, Text},
};
use diesel_async::RunQueryDsl as _;
use serde::{Deserialize, Serialize};

/// The longest wait for a lock that was seen: by a look every 0.2 s, so shorter ones may be missed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, QueryableByName)]
pub struct Block {
    /// How long it had lasted when it was last seen.
    #[diesel(sql_type = Double)]
    pub seconds: f64,
    /// The session that waited, by its application name.
    #[diesel(sql_type = Text)]
    pub who: String,
    /// The sessions that it waited for.
    #[diesel(sql_type = Text)]
    pub behind: String,
    /// The table, where it was one.
    #[diesel(sql_type = Nullable<Text>)]
    pub table: Option<String>,
}

/// Advisory locks are waited for on purpose.
const LONGEST: &str = "\
SELECT extract(epoch FROM clock_timestamp() - waits.waitstart)::float8 AS seconds,
    coalesce(nullif(waiter.application_name, ''), 'pid ' || waits.pid) AS who,
    coalesce((
        SELECT string_agg(coalesce(nullif(holder.application_name, ''), 'pid ' || holder.pid), ', ')
        FROM pg_stat_activity AS holder WHERE holder.pid = ANY (pg_blocking_pids(waits.pid))
    ), 'somebody') AS behind,
    waits.relation::regclass::text AS table
FROM pg_locks AS waits JOIN pg_stat_activity AS waiter USING (pid)
WHERE NOT waits.granted AND waits.locktype <> 'advisory' AND waiter.datname = current_database()
    AND waits.waitstart IS NOT NULL
ORDER BY waits.waitstart LIMIT 1";

/// The longest wait that goes on now.
pub(super) async fn longest(connection: &mut Connection) -> QueryResult<Option<Block>> {
    diesel::sql_query(LONGEST).get_result(connection).await.optional()
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, behind, table, .. } = self;
        write!(f, "{who} behind {behind}")?;
        match table {
            Some(table) => write!(f, " on {table}"),
            None => Ok(()),
        }
    }
}
