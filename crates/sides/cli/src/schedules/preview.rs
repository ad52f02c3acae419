//! `sides schedule preview`

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use database::Connection;
use schedule::{Change, Note, Preview, Rules, Schedule, Zone};
use serde_json::{Value, json};

use super::{command::PreviewOptions, postgres_zones, said};
use terminal::{BUSY, Palette, QUIET, tell};
use workspace::Outcome;

pub(super) async fn of_expression(options: &PreviewOptions) -> anyhow::Result<Outcome> {
    let mut schedule = Schedule {
        expression: options.what.parse()?,
        ..Schedule::new("preview", "@daily", "preview").context("a schedule to show")?
    };
    if let Some(zone) = &options.zone {
        schedule.zone = zone.parse()?;
    }
    let mut connection = postgres_zones::somewhere().await;
    show(connection.as_mut(), &schedule, options).await
}

pub(super) async fn of_name(
    connection: &mut Connection,
    options: &PreviewOptions,
) -> anyhow::Result<Outcome> {
    let row = super::named(connection, &options.what).await?;
    let mut schedule = deploy::schedules::read(&row)
        .map_err(|fault| anyhow::anyhow!("{} never fires: {fault}", row.name))?;
    if let Some(zone) = &options.zone {
        schedule.zone = zone.parse()?;
    }
    show(Some(connection), &schedule, options).await
}

async fn show(
    connection: Option<&mut Connection>,
    schedule: &Schedule,
    options: &PreviewOptions,
) -> anyhow::Result<Outcome> {
    let from = options.from.unwrap_or_else(Utc::now);
    let lines = schedule::preview(schedule, from, options.count.into());
    let firings = lines.iter().filter_map(|line| match line {
        Preview::Firing { at, .. } => Some(*at),
        Preview::Change(_) | Preview::LeftOut => None,
    });
    let moments: Vec<_> = firings.map(|at| (schedule.zone.clone(), at)).collect();
    let difference = match connection {
        Some(connection) => postgres_zones::differences(connection, &moments).await.pop(),
        None => None,
    };
    let rules = Rules::current();
    if options.json {
        let lines: Vec<Value> = lines.iter().filter_map(|line| to_json(line, &schedule.zone)).collect();
        let all = json!({
            "expression": schedule.expression.to_string(),
            "zone": schedule.zone.name(),
            "rules": { "release": rules.release(), "from": rules.to_string(), "difference": difference },
            "from": from,
            "firings": lines,
        });
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(Outcome::Done);
    }
    let palette = Palette::for_stdout();
    let by = palette.paint(QUIET, &format!("time zone rules: {rules}"));
    println!("{} in {}  {by}", schedule.expression, schedule.zone.name());
    for line in &lines {
        println!("  {}", to_text(line, &schedule.zone, palette));
    }
    if lines.is_empty() {
        println!("  never again before the year 2100");
    }
    if let Some(difference) = difference {
        println!("{}", tell::notice(palette, &difference));
    }
    Ok(Outcome::Done)
}

fn to_text(line: &Preview, zone: &Zone, palette: Palette) -> String {
    match line {
        Preview::Firing { at, note } => {
            let utc = palette.paint(QUIET, &utc(*at));
            let note = note.map(|note| format!("  {}", palette.paint(BUSY, &words(note))));
            format!("{}  {utc}{}", said::local(*at, zone), note.unwrap_or_default())
        }
        Preview::Change(change) => palette.paint(BUSY, &change_words(change)),
        Preview::LeftOut => "…".to_owned(),
    }
}

fn to_json(line: &Preview, zone: &Zone) -> Option<Value> {
    match line {
        Preview::Firing { at, note } => Some(json!({
            "at": at,
            "local": zone.local(*at).to_rfc3339(),
            "note": note.map(words),
        })),
        Preview::Change(change) => Some(json!({ "at": change.at, "change": change_words(change) })),
        Preview::LeftOut => None,
    }
}

fn utc(at: DateTime<Utc>) -> String {
    at.format("%FT%TZ").to_string()
}

fn words(note: Note) -> String {
    match note {
        Note::EndOfGap(skipped) => {
            format!("gap: {} does not exist; fires when the gap ends", skipped.format("%H:%M:%S"))
        }
        Note::FirstPass => "fold: the first of two".to_owned(),
        Note::SecondPass => "fold: the second of two".to_owned(),
    }
}

fn change_words(change: &Change) -> String {
    let way = if change.behind - change.before > TimeDelta::zero() { "forward" } else { "back" };
    let (before, behind) = (change.before.format("%F %H:%M"), change.behind.format("%H:%M"));
    format!("── {before}: clocks go {way} to {behind} ──")
}
