//! What the chassis says of itself: who runs, and what is due next.

use chrono::{DateTime, Utc};
use database::Connection;
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Integer, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use serde::Serialize;

/// One running copy of a process.
#[derive(Debug, Clone, Serialize, QueryableByName)]
pub(crate) struct Instance {
    #[diesel(sql_type = Text)]
    pub(crate) process: String,
    #[diesel(sql_type = Text)]
    pub(crate) release: String,
    #[diesel(sql_type = Text)]
    pub(crate) host: String,
    #[diesel(sql_type = Integer)]
    pub(crate) pid: i32,
    #[diesel(sql_type = Text)]
    pub(crate) state: String,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) started_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) heartbeat_at: DateTime<Utc>,
}

/// One schedule of the clock.
#[derive(Debug, Clone, Serialize, QueryableByName)]
pub(crate) struct Schedule {
    #[diesel(sql_type = Text)]
    pub(crate) name: String,
    #[diesel(sql_type = Text)]
    pub(crate) expression: String,
    #[diesel(sql_type = Text)]
    pub(crate) zone: String,
    #[diesel(sql_type = Text)]
    pub(crate) kind: String,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) next_due_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) last_fired_at: Option<DateTime<Utc>>,
}

/// A copy that was killed says nothing more; it is shown for a while, as silent.
const INSTANCES: &str = "\
SELECT process, release, host, pid, state, started_at, heartbeat_at FROM sides.instances
WHERE state <> 'stopped' AND heartbeat_at > now() - interval '5 minutes'
ORDER BY process, started_at";

const SCHEDULES: &str = "\
SELECT name, expression, zone, kind, next_due_at, last.fired_at AS last_fired_at
FROM sides.schedules
LEFT JOIN LATERAL (
    SELECT fired_at FROM sides.ticks WHERE schedule = name ORDER BY due_at DESC LIMIT 1
) AS last ON true
ORDER BY next_due_at, name";

/// Everything that runs.
pub(crate) async fn instances(connection: &mut Connection) -> QueryResult<Vec<Instance>> {
    diesel::sql_query(INSTANCES).load(connection).await
}

/// Everything that is scheduled, the next first.
pub(crate) async fn schedules(connection: &mut Connection) -> QueryResult<Vec<Schedule>> {
    diesel::sql_query(SCHEDULES).load(connection).await
}
