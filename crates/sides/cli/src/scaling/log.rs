//! `sides scaling log`

use ::schema::actions::{self, Action};
use anyhow::Context as _;
use database::Connection;
use serde_json::Value;

use terminal::{Palette, clean, tell};
use workspace::Outcome;

/// What is about the number of instances, and about their replacement.
const SHOWN: [&str; 7] =
    ["scale", "scale refused", "found scaled", "recycle", "recycle refused", "restart", "restart refused"];

pub(super) async fn run(connection: &mut Connection, json: bool, count: u16) -> anyhow::Result<Outcome> {
    let rows = actions::latest(connection, count, &SHOWN).await;
    let rows = rows.context("cannot read the ledger; is the schema up to date? run `sides migration up`")?;
    if json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(Outcome::Done);
    }
    if rows.is_empty() {
        let text = "no decisions yet; a clock under a host scales the processes named in its variable SCALE";
        println!("{}", tell::notice(Palette::for_stdout(), text));
    }
    for row in rows {
        println!("{}", line(&row));
    }
    Ok(Outcome::Done)
}

/// `2026-11-25 12:00:00Z  worker 1 → 4  scale: 30 jobs wait …; done in 2.1 s`
fn line(row: &Action) -> String {
    let instances = match (&row.measured["from"], &row.measured["to"]) {
        (Value::Number(from), Value::Number(to)) => format!(" {from} → {to}"),
        _ => String::new(),
    };
    let Action { subject, action, reason, outcome, .. } = row;
    clean(&format!("{}  {subject}{instances}  {action}: {reason}; {outcome}", row.at.format("%F %TZ")), false)
        .to_string()
}
