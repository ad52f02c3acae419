//! What people ask of schedules: those that they add (`sides.stored_schedules`), pauses (`sides.schedule_pauses`) and runs at
//! once (`sides.schedule_runs`). Schedulers hear of each at the commit.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Jsonb, SmallInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use serde_json::Value;

/// A schedule to be, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NewSchedule<'a> {
    /// Its name.
    pub name: &'a str,
    /// When it is due, such as `17 3 * * *`.
    pub expression: &'a str,
    /// The zone whose clocks the expression means.
    pub zone: &'a str,
    /// The kind of its jobs.
    pub kind: &'a str,
    /// The arguments of its jobs.
    pub arguments: &'a Value,
    /// The version of the contract that the arguments are written in.
    pub version: i16,
    /// What happens to missed moments.
    pub missed: &'a str,
    /// What happens while a job of it is not over.
    pub overlap: &'a str,
    /// Who says so.
    pub changed_by: &'a str,
}

/// Whether the table is there, as a question to Postgres.
pub const EXIST: &str = "SELECT to_regclass('sides.stored_schedules') IS NOT NULL AS answer";

const PUT: &str = "\
INSERT INTO sides.stored_schedules (name, expression, zone, kind, arguments, version, missed, overlap, changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (name) DO UPDATE SET (expression, zone, kind, arguments, version, missed, overlap, since, changed_by)
    = (excluded.expression, excluded.zone, excluded.kind, excluded.arguments, excluded.version, excluded.missed,
       excluded.overlap, now(), excluded.changed_by)";

/// Adds a schedule, or replaces the one of its name. Nothing before now is due.
///
/// # Errors
/// When the database is unavailable, read-only or not migrated.
pub async fn put(connection: &mut AsyncPgConnection, new: &NewSchedule<'_>) -> QueryResult<()> {
    sql_query(PUT)
        .bind::<Text, _>(new.name)
        .bind::<Text, _>(new.expression)
        .bind::<Text, _>(new.zone)
        .bind::<Text, _>(new.kind)
        .bind::<Jsonb, _>(new.arguments)
        .bind::<SmallInt, _>(new.version)
        .bind::<Text, _>(new.missed)
        .bind::<Text, _>(new.overlap)
        .bind::<Text, _>(new.changed_by)
        .execute(connection)
        .await
        .map(drop)
}

/// What was asked for and not done yet goes with it.
const REMOVE: &str = "\
WITH removed AS (DELETE FROM sides.stored_schedules WHERE name = $1 RETURNING name),
    runs AS (DELETE FROM sides.schedule_runs WHERE schedule = $1),
    pauses AS (DELETE FROM sides.schedule_pauses WHERE schedule = $1)
DELETE FROM sides.schedules WHERE name IN (SELECT name FROM removed)";

/// Removes a schedule that was added, with its pause and its requests.
///
/// # Errors
/// When the database is unavailable or read-only.
pub async fn remove(connection: &mut AsyncPgConnection, name: &str) -> QueryResult<()> {
    sql_query(REMOVE).bind::<Text, _>(name).execute(connection).await.map(drop)
}

const PAUSE: &str = "\
INSERT INTO sides.schedule_pauses (schedule, paused_by) VALUES ($1, $2)
ON CONFLICT (schedule) DO UPDATE
    SET (paused_at, paused_by, resumed_at, resumed_by) = (now(), excluded.paused_by, NULL, NULL)";

/// Pauses a schedule, whether it was added or is in the code.
///
/// # Errors
/// When the database is unavailable or read-only.
pub async fn pause(connection: &mut AsyncPgConnection, name: &str, by: &str) -> QueryResult<()> {
    sql_query(PAUSE).bind::<Text, _>(name).bind::<Text, _>(by).execute(connection).await.map(drop)
}

const RESUME: &str = "\
UPDATE sides.schedule_pauses SET resumed_at = now(), resumed_by = $2
WHERE schedule = $1 AND resumed_at IS NULL";

/// Ends a pause. Whether there was one.
///
/// # Errors
/// When the database is unavailable or read-only.
pub async fn resume(connection: &mut AsyncPgConnection, name: &str, by: &str) -> QueryResult<bool> {
    let query = sql_query(RESUME).bind::<Text, _>(name).bind::<Text, _>(by);
    Ok(query.execute(connection).await? > 0)
}

const ASK_RUN: &str = "\
INSERT INTO sides.schedule_runs (schedule, asked_at, asked_by) VALUES ($1, clock_timestamp(), $2)
RETURNING asked_at";

/// Asks for a run now. The answer is the moment that the tick will have.
///
/// # Errors
/// When the database is unavailable or read-only.
pub async fn ask_run(connection: &mut AsyncPgConnection, name: &str, by: &str) -> QueryResult<DateTime<Utc>> {
    #[derive(QueryableByName)]
    struct Asked {
        #[diesel(sql_type = Timestamptz)]
        asked_at: DateTime<Utc>,
    }
    let query = sql_query(ASK_RUN).bind::<Text, _>(name).bind::<Text, _>(by);
    let asked: Asked = query.get_result(connection).await?;
    Ok(asked.asked_at)
}
