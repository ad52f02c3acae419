//! `sides scaling log`

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use database::{Connection, Json, Moment};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Jsonb, Text, Timestamptz},
};
use diesel_async::RunQueryDsl as _;
use serde::Serialize;
use serde_json::Value;

use terminal::{Palette, clean, tell};
use workspace::Outcome;

#[derive(Debug, QueryableByName, Serialize)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Text)]
    asked_by: String,
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Jsonb, deserialize_as = Json)]
    measured: Value,
    #[diesel(sql_type = Text)]
    outcome: String,
}

/// What a clock orders, the host writes down once more.
const ROWS: &str = "\
SELECT id, at, subject, action, asked_by, reason, measured, outcome FROM sides.actions
WHERE action IN ('scale', 'scale refused', 'found scaled', 'recycle', 'recycle refused', 'restart', 'restart refused')
    AND (measured -> 'order' IS NULL OR asked_by NOT LIKE 'clock %')
ORDER BY id DESC LIMIT $1";

pub(super) async fn run(connection: &mut Connection, json: bool, count: u16) -> anyhow::Result<Outcome> {
    let rows = diesel::sql_query(ROWS).bind::<BigInt, _>(i64::from(count)).load::<Row>(connection).await;
    let rows =
        rows.context("the ledger cannot be read; is the schema up to date? run `sides migration up`")?;
    if json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(Outcome::Done);
    }
    if rows.is_empty() {
        let text = "nothing was decided yet; a clock under a host scales what its variable SCALE names";
        println!("{}", tell::notice(Palette::for_stdout(), text));
    }
    for row in rows {
        println!("{}", line(&row));
    }
    Ok(Outcome::Done)
}

/// `2026-11-25 12:00:00Z  worker 1 → 4  scale: 30 jobs wait …; done in 2.1 s`
fn line(row: &Row) -> String {
    let instances = match (&row.measured["from"], &row.measured["to"]) {
        (Value::Number(from), Value::Number(to)) => format!(" {from} → {to}"),
        _ => String::new(),
    };
    let Row { subject, action, reason, outcome, .. } = row;
    clean(&format!("{}  {subject}{instances}  {action}: {reason}; {outcome}", row.at.format("%F %TZ")), false)
        .to_string()
}
