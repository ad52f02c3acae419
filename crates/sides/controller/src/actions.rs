//! The rows of `sides.actions`: what was found and done. However many controllers see a thing, one of them writes it.

use ::schema::locks;
use chrono::{DateTime, Utc};
use database::{Connection, Moment};
use diesel::{
    OptionalExtension as _, QueryableByName,
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_types::{BigInt, Jsonb, Text, Timestamptz},
};
use diesel_async::{AsyncConnection as _, RunQueryDsl as _};
use process::Process;
use serde_json::Value;

use crate::budget::{Budget, Verdict};

/// A row to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Action {
    pub(crate) at: DateTime<Utc>,
    pub(crate) subject: String,
    pub(crate) action: &'static str,
    pub(crate) asked_by: String,
    pub(crate) reason: String,
    pub(crate) measured: Value,
    pub(crate) outcome: String,
}

/// Who a controller says has acted: its process and its instance.
pub(crate) fn asked_by(process: &Process) -> String {
    format!("{} {}", process.name, process.instance)
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext($1), hashtext($2))";

/// Until the end of the transaction nobody else writes an action of this subject.
async fn lock(transaction: &mut Connection, subject: &str) -> diesel::QueryResult<()> {
    let lock = diesel::sql_query(LOCK).bind::<Text, _>(locks::ACTIONS).bind::<Text, _>(subject);
    lock.execute(transaction).await?;
    Ok(())
}

/// Who was never found anything but well is well.
const INSERT: &str = "\
INSERT INTO sides.actions (at, subject, action, asked_by, reason, measured, outcome)
SELECT $1, $2, $3, $4, $5, $6, $7
WHERE $3 IS DISTINCT FROM coalesce(
    (SELECT action FROM sides.actions WHERE subject = $2 ORDER BY id DESC LIMIT 1), 'found well')
RETURNING id";

/// Writes an action down, unless it is what was last written of its subject: then another controller was first. The
/// answer is the row's id.
pub(crate) async fn write(connection: &mut Connection, action: &Action) -> diesel::QueryResult<Option<i64>> {
    connection
        .transaction(async |transaction| {
            // A statement of its own, so that the next one sees what was committed while this one waited.
            lock(transaction, &action.subject).await?;
            let id: Option<Id> = diesel::sql_query(INSERT)
                .bind::<Timestamptz, _>(action.at)
                .bind::<Text, _>(&action.subject)
                .bind::<Text, _>(action.action)
                .bind::<Text, _>(&action.asked_by)
                .bind::<Text, _>(&action.reason)
                .bind::<Jsonb, _>(&action.measured)
                .bind::<Text, _>(&action.outcome)
                .get_result(transaction)
                .await
                .optional()?;
            Ok(id.map(|id| id.id))
        })
        .await
}

const BEFORE: &str = "\
SELECT at, now() AS now FROM sides.actions
WHERE subject = $1 AND action = $2 AND at BETWEEN now() - interval '1 hour' AND now() AND measured -> 'order' IS NULL
ORDER BY at";

const PUT: &str = "\
INSERT INTO sides.actions (at, subject, action, asked_by, reason, measured, outcome)
VALUES (now(), $1, $2, $3, $4, $5, $6) RETURNING id";

#[derive(QueryableByName)]
struct Before {
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    now: DateTime<Utc>,
}

/// Writes an action down when the budget of its subject allows it now. Of several controllers that ask at the same time
/// one gets the row's id.
pub(crate) async fn claim(
    connection: &mut Connection,
    action: &Action,
    budget: &Budget,
) -> diesel::QueryResult<(Verdict, Option<i64>)> {
    connection
        .transaction(async |transaction| {
            lock(transaction, &action.subject).await?;
            let before: Vec<Before> = diesel::sql_query(BEFORE)
                .bind::<Text, _>(&action.subject)
                .bind::<Text, _>(action.action)
                .load(transaction)
                .await?;
            let now = before.iter().last().map_or_else(Utc::now, |row| row.now);
            let verdict = budget.decide(&before.iter().map(|row| row.at).collect::<Vec<_>>(), now);
            let id = match verdict {
                Verdict::Now => Some(put(transaction, action).await?),
                Verdict::Wait(_) | Verdict::Spent(_) => None,
            };
            Ok((verdict, id))
        })
        .await
}

/// Writes an action down, whatever was written before.
pub(crate) async fn put(connection: &mut Connection, action: &Action) -> diesel::QueryResult<i64> {
    let id: Id = with_values(PUT, action).get_result(connection).await?;
    Ok(id.id)
}

const PUT_NEW: &str = "\
INSERT INTO sides.actions (at, subject, action, asked_by, reason, measured, outcome)
SELECT now(), $1, $2, $3, $4, $5, $6
WHERE concat_ws(' ', $2, $5 ->> 'rule', $5 ->> 'to') IS DISTINCT FROM (
    SELECT concat_ws(' ', action, measured ->> 'rule', measured ->> 'to') FROM sides.actions
    WHERE subject = $1 ORDER BY id DESC LIMIT 1)";

/// Writes an action down unless the last one of its subject was the same, for the same rule.
pub(crate) async fn write_new(connection: &mut Connection, action: &Action) -> diesel::QueryResult<()> {
    with_values(PUT_NEW, action).execute(connection).await?;
    Ok(())
}

/// The statement with what a row holds, from $1 to $6.
fn with_values<'a>(statement: &'a str, action: &'a Action) -> BoxedSqlQuery<'a, Pg, SqlQuery> {
    diesel::sql_query(statement)
        .into_boxed::<Pg>()
        .bind::<Text, _>(&action.subject)
        .bind::<Text, _>(action.action)
        .bind::<Text, _>(&action.asked_by)
        .bind::<Text, _>(&action.reason)
        .bind::<Jsonb, _>(&action.measured)
        .bind::<Text, _>(&action.outcome)
}

/// Says how it ended.
pub(crate) async fn conclude(connection: &mut Connection, id: i64, outcome: &str) -> diesel::QueryResult<()> {
    diesel::sql_query("UPDATE sides.actions SET outcome = $2 WHERE id = $1")
        .bind::<BigInt, _>(id)
        .bind::<Text, _>(outcome)
        .execute(connection)
        .await?;
    Ok(())
}
