//! What was found and done, by whom, why, and how it ended: the rows of `sides.actions`.
//!
//! Several controllers see the same. Anyone who looks at the rows of a subject before writing one takes [`lock`] first, so that
//! one of them writes it.

use chrono::{DateTime, Utc};
use database::{Json, Moment};
use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName,
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_query,
    sql_types::{Array, BigInt, Double, Integer, Jsonb, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use serde::Serialize;
use serde_json::Value;

use crate::locks;

/// A row to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NewAction<'a> {
    /// What it is about: a process, with its instance or without; the database; a service.
    pub subject: &'a str,
    /// What was found or done, such as `restart` or `found down`.
    pub action: &'a str,
    /// Who says so: `clock 0199…` for an instance, else a person as far as it is known.
    pub asked_by: &'a str,
    /// Why, in words.
    pub reason: &'a str,
    /// The figures that it was decided by.
    pub measured: &'a Value,
    /// How it ended; `begun` until then.
    pub outcome: &'a str,
}

/// A row as people read it.
#[derive(Debug, Clone, PartialEq, QueryableByName, Serialize)]
pub struct Action {
    /// Later ones are greater.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// When it was found or asked for.
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    pub at: DateTime<Utc>,
    /// See [`NewAction::subject`].
    #[diesel(sql_type = Text)]
    pub subject: String,
    /// See [`NewAction::action`].
    #[diesel(sql_type = Text)]
    pub action: String,
    /// See [`NewAction::asked_by`].
    #[diesel(sql_type = Text)]
    pub asked_by: String,
    /// See [`NewAction::reason`].
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// See [`NewAction::measured`].
    #[diesel(sql_type = Jsonb, deserialize_as = Json)]
    pub measured: Value,
    /// See [`NewAction::outcome`].
    #[diesel(sql_type = Text)]
    pub outcome: String,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Anyone who writes an action of this subject waits until the transaction of this connection has ended.
///
/// # Errors
/// When the database is unavailable.
pub async fn lock(transaction: &mut AsyncPgConnection, subject: &str) -> QueryResult<()> {
    let lock = sql_query("SELECT pg_advisory_xact_lock(hashtext($1), hashtext($2))");
    lock.bind::<Text, _>(locks::ACTIONS).bind::<Text, _>(subject).execute(transaction).await.map(drop)
}

const INSERT: &str = "\
INSERT INTO sides.actions (subject, action, asked_by, reason, measured, outcome, at)
VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, now())) RETURNING id";

/// Writes an action down; without a time, now. The answer is the row's id.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn insert(
    connection: &mut AsyncPgConnection,
    action: NewAction<'_>,
    at: Option<DateTime<Utc>>,
) -> QueryResult<i64> {
    let query = with_values(INSERT, action).bind::<Nullable<Timestamptz>, _>(at);
    let id: Id = query.get_result(connection).await?;
    Ok(id.id)
}

/// Who was never found anything but well is well.
const INSERT_CHANGE: &str = "\
INSERT INTO sides.actions (subject, action, asked_by, reason, measured, outcome, at)
SELECT $1, $2, $3, $4, $5, $6, $7
WHERE $2 IS DISTINCT FROM coalesce(
    (SELECT action FROM sides.actions WHERE subject = $1 ORDER BY id DESC LIMIT 1), 'found well')
RETURNING id";

/// Writes an action down unless the last one of its subject was of the same name. Under [`lock`].
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn insert_change(
    transaction: &mut AsyncPgConnection,
    action: NewAction<'_>,
    at: DateTime<Utc>,
) -> QueryResult<Option<i64>> {
    let query = with_values(INSERT_CHANGE, action).bind::<Timestamptz, _>(at);
    let id: Option<Id> = query.get_result(transaction).await.optional()?;
    Ok(id.map(|id| id.id))
}

const INSERT_NEW: &str = "\
INSERT INTO sides.actions (at, subject, action, asked_by, reason, measured, outcome)
SELECT now(), $1, $2, $3, $4, $5, $6
WHERE concat_ws(' ', $2, $5 ->> 'rule', $5 ->> 'to') IS DISTINCT FROM (
    SELECT concat_ws(' ', action, measured ->> 'rule', measured ->> 'to') FROM sides.actions
    WHERE subject = $1 ORDER BY id DESC LIMIT 1)";

/// Writes a decision down unless the last one of its subject was the same, by the same rule.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn insert_new(connection: &mut AsyncPgConnection, action: NewAction<'_>) -> QueryResult<()> {
    with_values(INSERT_NEW, action).execute(connection).await.map(drop)
}

const INSERT_ONCE: &str = "\
INSERT INTO sides.actions (subject, action, asked_by, reason, measured, outcome, at)
SELECT $1, $2, $3, $4, $5, $6, $7
WHERE NOT EXISTS (SELECT FROM sides.actions WHERE subject = $1 AND measured ->> 'id' = $5 ->> 'id')";

/// Writes an action down that has an `id` among its figures, unless one with this id is there already.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn insert_once(
    connection: &mut AsyncPgConnection,
    action: NewAction<'_>,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    let query = with_values(INSERT_ONCE, action).bind::<Timestamptz, _>(at);
    query.execute(connection).await.map(drop)
}

/// The statement with what a row holds, from $1 to $6.
fn with_values<'a>(statement: &'a str, action: NewAction<'a>) -> BoxedSqlQuery<'a, Pg, SqlQuery> {
    sql_query(statement)
        .into_boxed::<Pg>()
        .bind::<Text, _>(action.subject)
        .bind::<Text, _>(action.action)
        .bind::<Text, _>(action.asked_by)
        .bind::<Text, _>(action.reason)
        .bind::<Jsonb, _>(action.measured)
        .bind::<Text, _>(action.outcome)
}

/// Says how one ended.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn conclude(connection: &mut AsyncPgConnection, id: i64, outcome: &str) -> QueryResult<()> {
    let query = sql_query("UPDATE sides.actions SET outcome = $2 WHERE id = $1");
    query.bind::<BigInt, _>(id).bind::<Text, _>(outcome).execute(connection).await.map(drop)
}

const LAST_HOUR: &str = "\
SELECT at, now() AS now FROM sides.actions
WHERE subject = $1 AND action = $2 AND at BETWEEN now() - interval '1 hour' AND now() AND measured -> 'order' IS NULL
ORDER BY at";

/// When an action of the last hour was, and what the database's time is.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Before {
    /// When it was.
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    pub at: DateTime<Utc>,
    /// The same in each row.
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    pub now: DateTime<Utc>,
}

/// How often this was done with this subject within an hour, the first first.
///
/// # Errors
/// When the database is unavailable.
pub async fn last_hour(
    connection: &mut AsyncPgConnection,
    subject: &str,
    action: &str,
) -> QueryResult<Vec<Before>> {
    sql_query(LAST_HOUR).bind::<Text, _>(subject).bind::<Text, _>(action).load(connection).await
}

/// An instance calls itself by its process and its id. What it orders, the host writes down once more.
macro_rules! not_by_an_instance {
    () => {
        "(measured -> 'order' IS NULL OR asked_by !~ ' [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')"
    };
}

/// A host writes down every order in its own words; those of controllers are here already, and others are a person's.
const SIZES: &str = concat!(
    "\
SELECT CASE WHEN measured -> 'order' IS NULL THEN action ELSE 'found scaled' END AS action, outcome,
    substring(coalesce(measured ->> 'to', measured #>> '{order,scale,count}') FROM '^\\d{1,9}$')::integer AS instances,
    extract(epoch FROM now() - at)::float8 AS age
FROM sides.actions
WHERE subject = $1 AND action IN ('scale', 'found scaled') AND isfinite(at)
    AND (measured -> 'order' IS NULL OR outcome = 'done') AND ",
    not_by_an_instance!(),
    "
ORDER BY id DESC LIMIT 200"
);

/// A change of a process' number of instances.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Resize {
    /// `scale`, or `found scaled` where somebody else did it.
    #[diesel(sql_type = Text)]
    pub action: String,
    /// See [`NewAction::outcome`].
    #[diesel(sql_type = Text)]
    pub outcome: String,
    /// The number that there should be afterwards.
    #[diesel(sql_type = Nullable<Integer>)]
    pub instances: Option<i32>,
    /// In seconds.
    #[diesel(sql_type = Double)]
    pub age: f64,
}

/// The changes of a process' number of instances, the last first.
///
/// # Errors
/// When the database is unavailable.
pub async fn resizes(connection: &mut AsyncPgConnection, process: &str) -> QueryResult<Vec<Resize>> {
    sql_query(SIZES).bind::<Text, _>(process).load(connection).await
}

const LATEST: &str = concat!(
    "\
SELECT id, at, subject, action, asked_by, reason, measured, outcome FROM sides.actions
WHERE (cardinality($2) = 0 OR action = ANY ($2)) AND ",
    not_by_an_instance!(),
    "
ORDER BY id DESC LIMIT $1"
);

/// The last ones, the last first; only those of these names, if there are any.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn latest(
    connection: &mut AsyncPgConnection,
    count: u16,
    actions: &[&str],
) -> QueryResult<Vec<Action>> {
    sql_query(LATEST)
        .bind::<BigInt, _>(i64::from(count))
        .bind::<Array<Text>, _>(actions)
        .load(connection)
        .await
}

/// Deletes what is older than 90 days.
///
/// # Errors
/// When the database is unavailable.
pub async fn prune(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    sql_query("DELETE FROM sides.actions WHERE at < now() - interval '90 days'")
        .execute(connection)
        .await
        .map(drop)
}
