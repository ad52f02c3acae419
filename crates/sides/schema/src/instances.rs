//! The instances that run: each has a row, which it renews with every heartbeat.

use std::{sync::LazyLock, time::Duration};

use chrono::{DateTime, Utc};
use database::{Moment, OptionalJson};
use diesel::{
    ExpressionMethods as _, QueryDsl as _, QueryResult, QueryableByName, sql_query,
    sql_types::{Bool, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::locks;

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

    /// Whether it fires schedules, as its manifest says.
    #[must_use]
    pub fn fires(&self) -> bool {
        // Builds that do not say it in words are known by the table that only they use.
        let reads_schedules = |manifest: &Value| manifest["tables"].get("sides.stored_schedules").is_some();
        self.manifest.as_ref().is_some_and(|manifest| manifest["fires"] == true || reads_schedules(manifest))
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

/// What an instance says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// See [`Instance::id`].
    pub id: Uuid,
    /// See [`Instance::process`].
    pub process: &'a str,
    /// See [`Instance::release`].
    pub release: &'a str,
    /// See [`Instance::host`].
    pub host: &'a str,
    /// See [`Instance::pid`].
    pub pid: i32,
    /// See [`Instance::ops_address`].
    pub ops_address: &'a str,
    /// See [`Instance::public_address`].
    pub public_address: Option<&'a str>,
    /// See [`Instance::state`].
    pub state: &'a str,
    /// See [`Instance::started_at`].
    pub started_at: DateTime<Utc>,
}

/// Writes the row of an instance, or renews it with its state and its public address.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn renew(connection: &mut AsyncPgConnection, said: &Said<'_>) -> QueryResult<()> {
    use crate::tables::instances as row;
    diesel::insert_into(row::table)
        .values((
            row::id.eq(said.id),
            row::process.eq(said.process),
            row::release.eq(said.release),
            row::host.eq(said.host),
            row::pid.eq(said.pid),
            row::ops_address.eq(said.ops_address),
            row::public_address.eq(said.public_address),
            row::state.eq(said.state),
            row::started_at.eq(said.started_at),
        ))
        .on_conflict(row::id)
        .do_update()
        .set((
            row::state.eq(said.state),
            row::public_address.eq(said.public_address),
            row::heartbeat_at.eq(diesel::dsl::now),
        ))
        .execute(connection)
        .await
        .map(drop)
}

/// Writes down what an instance's build says that it needs: that does not change while the row lives.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn tell(connection: &mut AsyncPgConnection, id: Uuid, manifest: &Value) -> QueryResult<()> {
    use crate::tables::instances as row;
    let own = row::table.filter(row::id.eq(id));
    diesel::update(own).set(row::manifest.eq(manifest)).execute(connection).await.map(drop)
}

/// Deletes the rows that nobody has renewed for a day.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn prune(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    let dead = "DELETE FROM sides.instances WHERE heartbeat_at < now() - interval '1 day'";
    sql_query(dead).execute(connection).await.map(drop)
}

const ASKABLE: &str = "\
SELECT ops_address AS address FROM sides.instances
WHERE process = $1 AND state <> 'stopped' AND heartbeat_at > now() - make_interval(secs => $2)
ORDER BY heartbeat_at DESC LIMIT 20";

/// Where the instances of a process answer that were heard of within that time; twenty are enough.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn ops_addresses(
    connection: &mut AsyncPgConnection,
    process: &str,
    within: Duration,
) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        address: String,
    }
    let query = sql_query(ASKABLE).bind::<Text, _>(process).bind::<Double, _>(within.as_secs_f64());
    let rows: Vec<Row> = query.load(connection).await?;
    Ok(rows.into_iter().map(|row| row.address).collect())
}

/// Whether the table is there, as a question to Postgres.
pub const EXIST: &str = "SELECT to_regclass('sides.instances') IS NOT NULL AS answer";

/// Whether the column `manifest` is there, which came later than the table, as a question to Postgres.
pub const SAY_WHAT_THEY_NEED: &str = "\
SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('sides.instances') AND attname = 'manifest')";

/// Those that were heard of a moment ago: `process`, `release`, `host`, `pid`, `manifest`, `state`.
pub const ALIVE: &str = "\
SELECT process, release, host, pid, manifest::text, state FROM sides.instances
WHERE state <> 'stopped' AND heartbeat_at > now() - interval '15 seconds' ORDER BY process, host, started_at";

/// The `manifest` that an instance of the build `$2` of the process `$1` has told last.
pub const MANIFEST_OF: &str = "\
SELECT to_jsonb(instances) ->> 'manifest' FROM sides.instances
WHERE process = $1 AND release = $2 AND to_jsonb(instances) ->> 'manifest' IS NOT NULL
ORDER BY heartbeat_at DESC LIMIT 1";

/// The commit that the build whose name `$2` begins with was built from, as an instance of the process `$1` has told.
pub const COMMIT_OF: &str = "\
SELECT to_jsonb(instances) -> 'manifest' ->> 'commit' FROM sides.instances
WHERE process = $1 AND $2 LIKE release || '%' AND to_jsonb(instances) -> 'manifest' ->> 'commit' IS NOT NULL
ORDER BY heartbeat_at DESC LIMIT 1";

/// An instance holds a shared lock on its release for as long as its session lives, and beats its row. Both must have ended:
/// a row outlives an instance that was killed for a moment, and a lock does not outlive an instance that lost its session.
static IS_LIVE: LazyLock<String> = LazyLock::new(|| {
    let key = locks::key_of(locks::BUILD);
    format!(
        "SELECT NOT pg_try_advisory_xact_lock({key}) OR EXISTS (
             SELECT FROM sides.instances WHERE process = $1 AND release = $2
                 AND state <> 'stopped' AND heartbeat_at > now() - interval '15 seconds') AS answer"
    )
});

/// Whether an instance of this build lives, by its lock or by its row.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn is_live(connection: &mut AsyncPgConnection, process: &str, release: &str) -> QueryResult<bool> {
    let query = sql_query(IS_LIVE.as_str()).bind::<Text, _>(process).bind::<Text, _>(release);
    let found: Answer = query.get_result(connection).await?;
    Ok(found.answer)
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

/// Each process with the manifest of each build that may still run; one that was killed is counted for an hour.
pub const MANIFESTS: &str = "\
SELECT DISTINCT process, manifest::text FROM sides.instances
WHERE state <> 'stopped' AND heartbeat_at > now() - interval '1 hour'";

/// Whether the table is there: it is not before the first migration.
///
/// # Errors
/// When the database is unavailable.
pub async fn exist(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    let answer: Answer = sql_query(EXIST).get_result(connection).await?;
    Ok(answer.answer)
}

/// Those that are alive, by process and in the order of their starts: they have not stopped, and were heard of within
/// [`ALIVE_FOR`].
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn alive(connection: &mut AsyncPgConnection) -> QueryResult<Vec<Instance>> {
    heard_of(connection, ALIVE_FOR).await
}

/// Those that have not stopped and were heard of within that time: one that was killed says nothing more.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn heard_of(connection: &mut AsyncPgConnection, within: Duration) -> QueryResult<Vec<Instance>> {
    sql_query(HEARD_OF).bind::<Double, _>(within.as_secs_f64()).load(connection).await
}
