//! `sides jobs kinds`

use anyhow::Context as _;
use database::Connection;

use super::STALE;
use schema::jobs::{kinds, seen::Kind};
use terminal::{Palette, table};
use workspace::Outcome;

pub(super) async fn run(connection: &mut Connection, json: bool) -> anyhow::Result<Outcome> {
    let kinds = kinds::kinds(connection).await.context(STALE)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&kinds)?);
    } else if kinds.is_empty() {
        println!("no jobs are waiting, running or failed");
    } else {
        let head = ["KIND", "READY", "LATER", "RUNNING", "FAILED", "PARKED", "OLDEST", "HELD UP"];
        let rows: Vec<Vec<String>> = kinds.iter().map(row).collect();
        print!("{}", table(Palette::for_stdout(), &head, &rows));
    }
    Ok(Outcome::Done)
}

fn row(kind: &Kind) -> Vec<String> {
    let oldest = kind.oldest_ready_seconds.map(|seconds| format!("{seconds:.0} s"));
    let about = if kind.estimated { "~" } else { "" };
    let mut row = vec![kind.kind.clone()];
    row.extend([kind.ready, kind.scheduled].map(|count| format!("{about}{count}")));
    row.extend([kind.running, kind.failed, kind.parked].map(|count| count.to_string()));
    row.extend([oldest.unwrap_or_default(), kind.held_up.clone().unwrap_or_default()]);
    row
}
