//! Due moments that were taken: the rows of `sides.ticks`. The primary key makes each of them fire once.

use chrono::{DateTime, Utc};
use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use uuid::Uuid;

const TAKE: &str =
    "INSERT INTO sides.ticks (schedule, due_at, fired_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

/// Takes a due moment that has no job. Whether nobody had it before.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn take(
    connection: &mut AsyncPgConnection,
    schedule: &str,
    due_at: DateTime<Utc>,
    instance: Uuid,
) -> QueryResult<bool> {
    let query = sql_query(TAKE).bind::<Text, _>(schedule).bind::<Timestamptz, _>(due_at);
    Ok(query.bind::<SqlUuid, _>(instance).execute(connection).await? == 1)
}

/// The key of a tick.
#[derive(Debug, Clone, PartialEq, Eq, Hash, QueryableByName)]
pub struct Tick {
    /// The schedule's name.
    #[diesel(sql_type = Text)]
    pub schedule: String,
    /// The due moment; when it was asked for, where somebody did.
    #[diesel(sql_type = Timestamptz)]
    pub due_at: DateTime<Utc>,
}

/// The rows go in in the given order, which is the same on all schedulers: two of them never wait for each other. They
/// name jobs that come after them, in the same transaction: so no row is written twice.
const FIRE: &str = "\
INSERT INTO sides.ticks (schedule, due_at, asked_by, job_id, fired_by, fired_at)
SELECT schedule, due_at, asked_by, job_id, $5, clock_timestamp()
FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::uuid[]) AS due (schedule, due_at, asked_by, job_id)
ON CONFLICT DO NOTHING
RETURNING schedule, due_at";

/// Takes these moments, each with who asked for it and the id of its job; those that nobody had before. The lists are
/// equally long.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn fire(
    transaction: &mut AsyncPgConnection,
    schedules: &[&str],
    due_at: &[DateTime<Utc>],
    asked_by: &[Option<&str>],
    jobs: &[Uuid],
    instance: Uuid,
) -> QueryResult<Vec<Tick>> {
    sql_query(FIRE)
        .bind::<Array<Text>, _>(schedules)
        .bind::<Array<Timestamptz>, _>(due_at)
        .bind::<Array<Nullable<Text>>, _>(asked_by)
        .bind::<Array<SqlUuid>, _>(jobs)
        .bind::<SqlUuid, _>(instance)
        .load(transaction)
        .await
}

/// For those whose job was there already, or is over.
const SET_JOBS: &str = "\
UPDATE sides.ticks SET job_id = merged.job_id
FROM unnest($1::text[], $2::timestamptz[], $3::uuid[]) AS merged (schedule, due_at, job_id)
WHERE ticks.schedule = merged.schedule AND ticks.due_at = merged.due_at";

/// Says which jobs do the work of these ticks. The lists are equally long.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn set_jobs(
    transaction: &mut AsyncPgConnection,
    schedules: &[&str],
    due_at: &[DateTime<Utc>],
    jobs: &[Option<Uuid>],
) -> QueryResult<()> {
    sql_query(SET_JOBS)
        .bind::<Array<Text>, _>(schedules)
        .bind::<Array<Timestamptz>, _>(due_at)
        .bind::<Array<Nullable<SqlUuid>>, _>(jobs)
        .execute(transaction)
        .await
        .map(drop)
}

/// The job of a tick, none where it was merged with one that is over; nothing while there is no such tick.
///
/// # Errors
/// When the database is unavailable.
pub async fn job_of(
    connection: &mut AsyncPgConnection,
    schedule: &str,
    due_at: DateTime<Utc>,
) -> QueryResult<Option<Option<Uuid>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<SqlUuid>)]
        job_id: Option<Uuid>,
    }
    let query = sql_query("SELECT job_id FROM sides.ticks WHERE schedule = $1 AND due_at = $2");
    let query = query.bind::<Text, _>(schedule).bind::<Timestamptz, _>(due_at);
    let row: Option<Row> = query.get_result(connection).await.optional()?;
    Ok(row.map(|row| row.job_id))
}

/// A tick of a due moment, and when it fired.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Fired {
    /// The schedule's name.
    #[diesel(sql_type = Text)]
    pub schedule: String,
    /// The due moment.
    #[diesel(sql_type = Timestamptz, deserialize_as = database::Moment)]
    pub due_at: DateTime<Utc>,
    /// By the database's clock.
    #[diesel(sql_type = Timestamptz, deserialize_as = database::Moment)]
    pub fired_at: DateTime<Utc>,
}

/// A scheduler that has just started catches up: only what was due a moment later says how late it fires.
const FIRED_BY: &str = "\
SELECT schedule, due_at, fired_at FROM sides.ticks JOIN sides.instances ON instances.id = ticks.fired_by
WHERE instances.release = $1 AND due_at > $2 AND due_at > started_at + interval '2 seconds' AND asked_by IS NULL";

/// The ticks that were due later than `since` and that instances of this build fired, which ran by then.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn fired_by(
    connection: &mut AsyncPgConnection,
    release: &str,
    since: DateTime<Utc>,
) -> QueryResult<Vec<Fired>> {
    let query = sql_query(FIRED_BY).bind::<Text, _>(release).bind::<Timestamptz, _>(since);
    query.load(connection).await
}

const FIRED: &str = "\
SELECT schedule, due_at, fired_at FROM sides.ticks WHERE due_at > $1 AND due_at <= $2 AND asked_by IS NULL";

/// The ticks that were due later than `since` and up to `until`. Those that people asked for have no due moment.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn fired_between(
    connection: &mut AsyncPgConnection,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> QueryResult<Vec<Fired>> {
    let query = sql_query(FIRED).bind::<Timestamptz, _>(since).bind::<Timestamptz, _>(until);
    query.load(connection).await
}
