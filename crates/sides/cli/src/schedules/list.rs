//! `sides schedule list`

use chrono::Utc;
use database::Connection;
use serde_json::json;

use super::{
    rows::{self, Row},
    said,
};
use crate::{
    display::{Palette, tell},
    outcome::Outcome,
};

pub(super) async fn run(connection: &mut Connection, json: bool) -> anyhow::Result<Outcome> {
    let all = Row::all(connection).await?;
    let clocks = rows::clocks(connection).await?;
    if json {
        let all: Vec<_> = all.iter().map(with_fault).collect();
        println!("{}", serde_json::to_string_pretty(&json!({ "clocks": clocks, "schedules": all }))?);
        return Ok(Outcome::Done);
    }
    let palette = Palette::for_stdout();
    let lines: Vec<[String; 5]> = all.iter().map(line).collect();
    let head = ["NAME", "WHEN", "JOB", "NEXT", "LAST"].map(str::to_owned);
    for line in table(&[vec![head], lines].concat()) {
        println!("{line}");
    }
    for row in &all {
        if let Err(fault) = row.read() {
            println!("{}", tell::fault(palette, &format!("{} never fires: {fault}", row.name)));
        }
    }
    if clocks == 0 {
        println!("{}", tell::notice(palette, "no clock runs: nothing fires; start one: cargo run -p clock"));
    }
    Ok(Outcome::Done)
}

fn with_fault(row: &Row) -> serde_json::Value {
    let mut value = json!(row);
    value["fault"] = json!(row.read().err());
    value
}

fn line(row: &Row) -> [String; 5] {
    let now = Utc::now();
    let next = match (row.paused_at, row.next_due_at) {
        (Some(at), _) => {
            let by = row.paused_by.as_deref().unwrap_or("somebody");
            format!("paused {} by {by}", said::distance(at, now))
        }
        (None, Some(at)) => said::distance(at, now),
        (None, None) => "no clock has told".to_owned(),
    };
    let last = row.last_fired_at.map_or_else(|| "never".to_owned(), |at| said::distance(at, now));
    [row.name.clone(), format!("{} {}", row.expression, row.zone), row.kind.clone(), next, last]
}

/// Columns as wide as what is in them.
fn table(lines: &[[String; 5]]) -> Vec<String> {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    let pad = |line: &[String; 5]| {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    lines.iter().map(pad).collect()
}
