//! What the chassis says of itself: who runs, and what is due next.

use std::time::Duration;

use chrono::{DateTime, Utc};
use database::{Connection, Moment, OptionalMoment};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use serde::Serialize;

use ::schema::instances::{self, Instance as Row};

/// One running copy of a process.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Instance {
    pub(crate) process: String,
    pub(crate) release: String,
    pub(crate) host: String,
    pub(crate) pid: i32,
    pub(crate) state: String,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) heartbeat_at: DateTime<Utc>,
}

impl From<Row> for Instance {
    fn from(row: Row) -> Self {
        let Row { process, release, host, pid, state, started_at, heartbeat_at, .. } = row;
        Self { process, release, host, pid, state, started_at, heartbeat_at }
    }
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
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    pub(crate) next_due_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>, deserialize_as = OptionalMoment)]
    pub(crate) last_fired_at: Option<DateTime<Utc>>,
}

/// An instance that was killed says nothing more; it is shown for a while, as silent.
const SHOWN_FOR: Duration = Duration::from_secs(5 * 60);

const SCHEDULES: &str = "\
SELECT name, expression, zone, kind, next_due_at, last.fired_at AS last_fired_at
FROM sides.schedules
LEFT JOIN LATERAL (
    SELECT fired_at FROM sides.ticks WHERE schedule = name AND due_at < now() + interval '1 hour'
    ORDER BY due_at DESC LIMIT 1
) AS last ON true
ORDER BY next_due_at, name";

/// Everything that runs.
pub(crate) async fn instances(connection: &mut Connection) -> QueryResult<Vec<Instance>> {
    let found = instances::heard_of(connection, SHOWN_FOR).await?;
    Ok(found.into_iter().map(Instance::from).collect())
}

/// Everything that is scheduled, the next first.
pub(crate) async fn schedules(connection: &mut Connection) -> QueryResult<Vec<Schedule>> {
    diesel::sql_query(SCHEDULES).load(connection).await
}
