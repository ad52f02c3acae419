//! The instances that run: each has a row, which it renews with every heartbeat.

use std::time::Duration;

use chrono::{DateTime, Utc};
use database::{Moment, OptionalJson};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Bool, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// How often an instance renews its row.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// An instance that was not heard of for longer is not counted as alive: three heartbeats were missed.
pub const ALIVE_FOR: Duration = Duration::from_secs(15);

/// A row of `sides.instances`.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct Instance {
    /// Made at its start.
    #[serde(skip)]
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// `web`, or another process' name.
    #[diesel(sql_type = Text)]
    pub process: String,
    /// The digest of its build, as far as it was told.
    #[diesel(sql_type = Text)]
    pub release: String,
    /// Its machine; `name@machine` where the place gave it a name.
    #[diesel(sql_type = Text)]
    pub host: String,
    /// On that machine.
    #[diesel(sql_type = Integer)]
    pub pid: i32,
    /// Where it answers health checks and metrics.
    #[diesel(sql_type = Text)]
    pub ops_address: String,
    /// Where visitors find it, if any.
    #[diesel(sql_type = Nullable<Text>)]
    pub public_address: Option<String>,
    /// `starting`, `ready`, `draining` or `stopped`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// By the database's clock.
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    pub started_at: DateTime<Utc>,
    /// By the database's clock.
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    pub heartbeat_at: DateTime<Utc>,
    /// What its build says it needs; None until it was told, and on a database whose schema has no such column yet.
    #[serde(skip)]
    #[diesel(sql_type = Nullable<Jsonb>, deserialize_as = OptionalJson)]
    pub manifest: Option<Value>,
}

impl Instance {
    /// Whether it says that it serves, or works.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state == "ready"
    }

    /// A text of its manifest, like `commit`.
    #[must_use]
    pub fn said(&self, key: &str) -> Option<String> {
        self.manifest.as_ref()?.get(key)?.as_str().map(str::to_owned)
    }
}

/// `to_jsonb`, because the column came with a later migration than the table.
const HEARD_OF: &str = "\
SELECT id, process, release, host, pid, ops_address, public_address, state, started_at, heartbeat_at,
    nullif(to_jsonb(instances) -> 'manifest', 'null') AS manifest
FROM sides.instances
WHERE state <> 'stopped' AND isfinite(heartbeat_at) AND isfinite(started_at) AND heartbeat_at > now() - make_interval(secs => $1)
ORDER BY process, started_at";

/// Whether the table is there: it is not before the first migration.
///
/// # Errors
/// When the database is away.
pub async fn exist(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        answer: bool,
    }
    let query = "SELECT to_regclass('sides.instances') IS NOT NULL AS answer";
    let answer: Answer = sql_query(query).get_result(connection).await?;
    Ok(answer.answer)
}

/// Those that are alive, by process and in the order of their starts: they have not stopped, and were heard of within
/// [`ALIVE_FOR`].
///
/// # Errors
/// When the database is away, or not migrated.
pub async fn alive(connection: &mut AsyncPgConnection) -> QueryResult<Vec<Instance>> {
    heard_of(connection, ALIVE_FOR).await
}

/// Those that have not stopped and were heard of within that time: one that was killed says nothing more.
///
/// # Errors
/// When the database is away, or not migrated.
pub async fn heard_of(connection: &mut AsyncPgConnection, within: Duration) -> QueryResult<Vec<Instance>> {
    sql_query(HEARD_OF).bind::<Double, _>(within.as_secs_f64()).load(connection).await
}
