//! The progress of a backfill, in the database.

use schema::locks;
use serde::Serialize;
use tokio_postgres::{Client, Error, Row};

/// One statement of a backfill and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// The migration's name or, when it is not known, its version.
    pub migration: String,
    /// The statement's place in its file, from 1.
    pub step: i32,
    /// How it stands.
    #[serde(flatten)]
    pub standing: Standing,
    /// Rows that were looked at.
    pub visited: i64,
    /// Rows that were changed.
    pub changed: i64,
    /// Rows of the table, as Postgres' statistics had it at the start.
    pub estimated: Option<i64>,
    /// Rows looked at per second, over the whole time of the last run.
    pub per_second: i64,
    /// Seconds that are left, at that rate.
    pub seconds_left: Option<i64>,
    /// Why the next batch comes after a longer rest.
    pub slow: Option<String>,
}

/// How a backfill stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    /// A runner is at work.
    Running,
    /// Somebody paused it.
    Paused {
        /// Who.
        by: String,
    },
    /// It was begun, and no runner is running.
    Interrupted,
    /// Every row was looked at.
    Done,
}

/// Where to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The key of the last row that is done, each column as text; nothing before the first.
    pub(crate) last: Option<Vec<String>>,
    pub(crate) visited: i64,
    pub(crate) estimated: Option<i64>,
}

/// Finds the checkpoint of a step, or makes its first.
pub(crate) async fn open(
    client: &Client,
    step_id: i64,
    migration: &str,
    table: &str,
) -> Result<Checkpoint, Error> {
    client
        .execute(
            "INSERT INTO sides_migrate.backfills (step_id, migration, estimated)
             SELECT $1, $3, (SELECT nullif(sum(reltuples)::bigint, -1) FROM pg_class
                             WHERE relkind = 'r' AND (oid = to_regclass($2)
                               OR oid IN (SELECT relid FROM pg_partition_tree(to_regclass($2)) WHERE isleaf)))
             ON CONFLICT (step_id) DO NOTHING",
            &[&step_id, &table, &migration],
        )
        .await?;
    let row = client
        .query_one(
            "UPDATE sides_migrate.backfills SET run_began_at = clock_timestamp(), run_began_with = visited
             WHERE step_id = $1 RETURNING last_key, visited, estimated",
            &[&step_id],
        )
        .await?;
    Ok(Checkpoint { last: row.get(0), visited: row.get(1), estimated: row.get(2) })
}

/// Who paused it, if anybody did.
pub(crate) async fn paused_by(client: &Client, step_id: i64) -> Result<Option<String>, Error> {
    let row = client
        .query_opt("SELECT paused_by FROM sides_migrate.backfills WHERE step_id = $1", &[&step_id])
        .await?;
    Ok(row.and_then(|row| row.get(0)))
}

/// Notes one batch; in the batch's own transaction.
pub(crate) async fn note(
    client: &Client,
    step_id: i64,
    last: &Option<Vec<String>>,
    visited: i64,
    changed: i64,
) -> Result<(), Error> {
    client
        .execute(
            "UPDATE sides_migrate.backfills SET last_key = coalesce($2, last_key), visited = visited + $3,
                 changed = changed + $4, batches = batches + 1, updated_at = clock_timestamp()
             WHERE step_id = $1",
            &[&step_id, last, &visited, &changed],
        )
        .await
        .map(drop)
}

/// Returns when everything up to here is on disk: a commit that waits for it, and holds nobody's row meanwhile.
pub(crate) async fn settle(client: &Client, step_id: i64) -> Result<(), Error> {
    client
        .execute(
            "UPDATE sides_migrate.backfills SET updated_at = clock_timestamp() WHERE step_id = $1",
            &[&step_id],
        )
        .await
        .map(drop)
}

/// Notes why it goes slowly, or that it no longer does.
pub(crate) async fn note_slow(client: &Client, step_id: i64, slow: Option<&str>) -> Result<(), Error> {
    client
        .execute(
            "UPDATE sides_migrate.backfills SET slow = $2 WHERE step_id = $1 AND slow IS DISTINCT FROM $2",
            &[&step_id, &slow],
        )
        .await
        .map(drop)
}

/// Every backfill of migrations that are not applied whole, and the newest of those that are.
pub(crate) async fn all(client: &Client) -> Result<Vec<Progress>, Error> {
    // The runner of a backfill holds a lock, which dies with it.
    let key = locks::key_of(&locks::backfill_of("s.version"));
    let query = include_str!("progress.sql").replace("{key}", &key);
    let rows = client.query(&query, &[]).await?;
    Ok(rows.iter().map(progress).collect())
}

fn progress(row: &Row) -> Progress {
    let (is_done, is_running): (bool, bool) = (row.get("is_done"), row.get("is_running"));
    let standing = match (is_done, row.get::<_, Option<String>>("paused_by")) {
        (true, _) => Standing::Done,
        (false, Some(by)) => Standing::Paused { by },
        (false, None) if is_running => Standing::Running,
        (false, None) => Standing::Interrupted,
    };
    let (visited, estimated): (i64, Option<i64>) = (row.get("visited"), row.get("estimated"));
    let per_second: i64 = row.get("per_second");
    let left = estimated.map(|all| (all - visited).max(0));
    Progress {
        migration: row.get("migration"),
        step: row.get("step"),
        visited,
        changed: row.get("changed"),
        estimated,
        per_second,
        seconds_left: left.filter(|_| per_second > 0 && !is_done).map(|left| left / per_second),
        slow: row.get::<_, Option<String>>("slow").filter(|_| standing == Standing::Running),
        standing,
    }
}
