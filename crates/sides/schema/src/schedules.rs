//! What schedules there are and when each is due next, as schedulers say: the rows of `sides.schedules`.

use chrono::{DateTime, Utc};
use database::{Json, Moment, OptionalMoment};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, Bool, Jsonb, Nullable, SmallInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use serde::Serialize;

/// A schedule as it was announced.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct Announced {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// When it is due, such as `17 3 * * *`.
    #[diesel(sql_type = Text)]
    pub expression: String,
    /// The zone whose clocks the expression means.
    #[diesel(sql_type = Text)]
    pub zone: String,
    /// The kind of its jobs.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The next due moment.
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    pub next_due_at: DateTime<Utc>,
    /// When it fired last.
    #[diesel(sql_type = Nullable<Timestamptz>, deserialize_as = OptionalMoment)]
    pub last_fired_at: Option<DateTime<Utc>>,
}

const ANNOUNCED: &str = "\
SELECT name, expression, zone, kind, next_due_at, last.fired_at AS last_fired_at
FROM sides.schedules
LEFT JOIN LATERAL (
    SELECT fired_at FROM sides.ticks WHERE schedule = name AND due_at < now() + interval '1 hour'
    ORDER BY due_at DESC LIMIT 1
) AS last ON true
ORDER BY next_due_at, name";

/// Everything that is scheduled, the next first.
///
/// # Errors
/// When the database is unavailable.
pub async fn announced(connection: &mut AsyncPgConnection) -> QueryResult<Vec<Announced>> {
    sql_query(ANNOUNCED).load(connection).await
}

/// A schedule, announced or stored.
#[derive(Debug, Serialize, QueryableByName)]
pub struct Listed {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// When it is due, as its author wrote it.
    #[diesel(sql_type = Text)]
    pub expression: String,
    /// The time zone that the expression is read in.
    #[diesel(sql_type = Text)]
    pub zone: String,
    /// The kind of its jobs.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// What happens to moments that no clock was there for.
    #[diesel(sql_type = Text)]
    pub missed: String,
    /// What happens to a moment while the job of the last one still runs.
    #[diesel(sql_type = Text)]
    pub overlap: String,
    /// Only of those that were added: a clock keeps to itself what its code says.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub arguments: Option<Json>,
    /// Of the arguments, likewise.
    #[diesel(sql_type = Nullable<SmallInt>)]
    pub version: Option<i16>,
    /// Whether a person added it, and no code.
    #[diesel(sql_type = Bool)]
    pub added: bool,
    /// Who added it.
    #[diesel(sql_type = Nullable<Text>)]
    pub added_by: Option<String>,
    /// When it is due next, as a clock has announced it.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub next_due_at: Option<Moment>,
    /// When it fired last.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_fired_at: Option<Moment>,
    /// Since when it is paused.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub paused_at: Option<Moment>,
    /// Who paused it.
    #[diesel(sql_type = Nullable<Text>)]
    pub paused_by: Option<String>,
}

/// What is stored goes before what was announced of it: a clock may not have heard of a change yet.
const LISTED: &str = "\
SELECT name,
    coalesce(stored.expression, announced.expression) AS expression,
    coalesce(stored.zone, announced.zone) AS zone,
    coalesce(stored.kind, announced.kind) AS kind,
    coalesce(stored.missed, announced.missed) AS missed,
    coalesce(stored.overlap, announced.overlap) AS overlap,
    stored.arguments,
    (to_jsonb(stored) ->> 'version')::smallint AS version,
    stored.name IS NOT NULL AS added, stored.changed_by AS added_by,
    CASE WHEN pause.schedule IS NULL AND (stored.name IS NULL OR stored.expression = announced.expression)
        THEN announced.next_due_at END AS next_due_at,
    last.fired_at AS last_fired_at, pause.paused_at, pause.paused_by
FROM sides.schedules AS announced
FULL JOIN sides.stored_schedules AS stored USING (name)
LEFT JOIN sides.schedule_pauses AS pause ON pause.schedule = name AND pause.resumed_at IS NULL
LEFT JOIN LATERAL (
    SELECT fired_at FROM sides.ticks WHERE schedule = name AND due_at < now() + interval '1 hour'
    ORDER BY due_at DESC LIMIT 1
) AS last ON true
WHERE name = $1 OR $1 IS NULL
ORDER BY name";

/// The schedules by name; only the one of this name if it is given.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn listed(connection: &mut AsyncPgConnection, name: Option<&str>) -> QueryResult<Vec<Listed>> {
    sql_query(LISTED).bind::<Nullable<Text>, _>(name).load(connection).await
}

/// What schedulers said and did of a schedule.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Known {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The expression that was announced last.
    #[diesel(sql_type = Nullable<Text>)]
    pub expression: Option<String>,
    /// The zone that was announced with it.
    #[diesel(sql_type = Nullable<Text>)]
    pub zone: Option<String>,
    /// The next due moment that was announced with them.
    #[diesel(sql_type = Nullable<Timestamptz>, deserialize_as = OptionalMoment)]
    pub next_due_at: Option<DateTime<Utc>>,
    /// The last moment that fired by itself.
    #[diesel(sql_type = Nullable<Timestamptz>, deserialize_as = OptionalMoment)]
    pub last_due_at: Option<DateTime<Utc>>,
}

/// A moment that no clock can have fired yet, or announced, is somebody else's: a schedule must not stand still for it.
const KNOWN: &str = "\
SELECT wanted.name, announced.expression, announced.zone,
    CASE WHEN announced.next_due_at < '2100-01-02' THEN announced.next_due_at END AS next_due_at,
    (SELECT max(due_at) FROM sides.ticks
        WHERE schedule = wanted.name AND asked_by IS NULL AND due_at < now() + interval '1 hour') AS last_due_at
FROM unnest($1) AS wanted (name) LEFT JOIN sides.schedules AS announced USING (name)";

/// What the database knows of the schedules of these names.
///
/// # Errors
/// When the database is unavailable.
pub async fn known(connection: &mut AsyncPgConnection, names: &[String]) -> QueryResult<Vec<Known>> {
    sql_query(KNOWN).bind::<Array<Text>, _>(names).load(connection).await
}

/// How many ticks one statement deletes: the next tick waits for it.
const BATCH: usize = 2_000;

/// Ticks are kept longer than a window for missed ones may be wide, and the last regular one of each schedule
/// for ever: it says how far the schedule has come.
const TICKS: &str = "\
DELETE FROM sides.ticks WHERE (schedule, due_at) IN (
    SELECT schedule, due_at FROM sides.ticks AS old
    WHERE due_at < now() - interval '3 days' AND EXISTS (
        SELECT FROM sides.ticks AS later
        WHERE later.schedule = old.schedule AND later.due_at > old.due_at AND later.asked_by IS NULL
    )
    LIMIT 2000 FOR UPDATE SKIP LOCKED
)";

/// A running scheduler announces all its schedules every hour; those that are paused have no next moment to tell.
const SCHEDULES: &str = "\
DELETE FROM sides.schedules WHERE updated_at < now() - interval '1 day'
AND NOT EXISTS (SELECT FROM sides.schedule_pauses WHERE schedule = name AND resumed_at IS NULL)
AND NOT EXISTS (SELECT FROM sides.stored_schedules AS stored WHERE stored.name = schedules.name)";

const RUNS: &str = "DELETE FROM sides.schedule_runs WHERE asked_at < now() - interval '1 day'";

/// Deletes a part of the old ticks, and the schedules and wishes that no scheduler has any more; whether there may be
/// more.
///
/// # Errors
/// When the database is unavailable.
pub async fn prune(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    let ticks = sql_query(TICKS).execute(connection).await?;
    sql_query(SCHEDULES).execute(connection).await?;
    sql_query(RUNS).execute(connection).await?;
    Ok(ticks >= BATCH)
}

const FORGET_RUNS: &str = "\
DELETE FROM sides.schedule_runs WHERE (schedule, asked_at) IN (
    SELECT * FROM unnest($1::text[], $2::timestamptz[]))";

/// Deletes the requests to fire these schedules that were made at these moments.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn forget_runs(
    connection: &mut AsyncPgConnection,
    schedules: &[&str],
    asked_at: &[DateTime<Utc>],
) -> QueryResult<()> {
    let query = sql_query(FORGET_RUNS).bind::<Array<Text>, _>(schedules);
    query.bind::<Array<Timestamptz>, _>(asked_at).execute(connection).await.map(drop)
}
