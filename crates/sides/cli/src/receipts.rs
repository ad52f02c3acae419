//! `sides receipts`, `sides receipt`: the measurements of past releases.

use anyhow::{Context as _, bail};
use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use schema::releases::{self, Release};
use serde_json::Value;

use crate::{
    names::{self, complete},
    receipt_text,
};
use deploy::release::Receipt;
use terminal::{Palette, clean_lines, table, tell};
use workspace::{Outcome, Workspace, with_database};

const HEAD: [&str; 8] = ["NUMBER", "BEGUN", "BY", "OUTCOME", "TIME", "REQUESTS", "JOBS", "TICKS"];

#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    /// How many to show.
    #[arg(short = 'n', long, default_value_t = 20)]
    count: u16,
    /// All of them as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowOptions {
    /// Its number, as listed by `receipts`; by default the newest.
    #[arg(add = ArgValueCompleter::new(complete::receipts))]
    number: Option<i64>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Lists the newest.
pub(crate) async fn list(workspace: &Workspace, options: &ListOptions) -> anyhow::Result<Outcome> {
    let ListOptions { count, json } = *options;
    let rows = read(workspace, None, i64::from(count)).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(Outcome::Done);
    }
    if rows.is_empty() {
        println!("{}", tell::notice(Palette::for_stdout(), NONE));
        return Ok(Outcome::Done);
    }
    let lines: Vec<_> = rows.iter().map(line).collect();
    print!("{}", table(Palette::for_stdout(), &HEAD, &lines));
    Ok(Outcome::Done)
}

/// Shows one, or the newest.
pub(crate) async fn show(workspace: &Workspace, options: &ShowOptions) -> anyhow::Result<Outcome> {
    let ShowOptions { number, json } = *options;
    let Some(row) = read(workspace, number, 1).await?.pop() else {
        let Some(number) = number else { bail!(NONE) };
        let all: Vec<i64> = read(workspace, None, 1000).await?.iter().map(|row| row.number).collect();
        match names::nearest_number(number, &all) {
            Some(near) => {
                bail!("there is no receipt {number}: did you mean {near}? `sides receipts` lists them")
            }
            None => bail!("there is no receipt {number}: {NONE}"),
        }
    };
    if json {
        println!("{}", serde_json::to_string_pretty(&row)?);
        return Ok(Outcome::Done);
    }
    let receipt: Receipt = serde_json::from_value(row.receipt).with_context(|| {
        format!("receipt {} is in the format of another version; --json shows it as it is", row.number)
    })?;
    let head =
        format!("Receipt {}, started {} by {}", row.number, row.started_at.format("%F %TZ"), row.asked_by);
    // What a build says may end up in a receipt.
    println!("{}", clean_lines(&format!("{head}\n{}", receipt_text::of(&receipt).trim_end()), false));
    Ok(Outcome::Done)
}

const NONE: &str = "nothing has been released on this database yet; start with `sides release`";

fn line(row: &Release) -> Vec<String> {
    let of = |path: &str| row.receipt.pointer(path);
    let number = |path: &str| of(path).and_then(Value::as_u64).unwrap_or_default();
    let outcome = of("/outcome").and_then(Value::as_str).unwrap_or("?").to_owned();
    let seconds = of("/seconds").and_then(Value::as_f64).unwrap_or_default();
    let failed = |what: &str, bad: &str, name: &str| match of(what) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(_) => format!("{} {name}", number(bad)),
    };
    vec![
        row.number.to_string(),
        row.started_at.format("%F %TZ").to_string(),
        row.asked_by.clone(),
        outcome,
        format!("{seconds:.1} s"),
        failed("/requests", "/requests/failed", "failed"),
        failed("/jobs", "/jobs/lost", "lost"),
        failed("/ticks", "/ticks/missed", "missed"),
    ]
}

async fn read(workspace: &Workspace, number: Option<i64>, count: i64) -> anyhow::Result<Vec<Release>> {
    with_database(workspace, async |url| {
        let rows = releases::newest(&mut database::connect(url).await?, number, count).await;
        rows.context("cannot read the receipts; is the schema up to date? run `sides migration up`")
    })
    .await
}
