//! `sides schedule list`

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use database::Connection;
use schedule::{Rules, Zone};
use serde::Serialize;
use serde_json::{Value, json};

use super::{postgres_zones, said};
use ::schema::schedules::Listed;
use deploy::schedules;
use terminal::{Palette, table, tell};
use workspace::Outcome;

/// Written as it is: arguments may hold numbers that no [`Value`] can.
#[derive(Serialize)]
struct Answer<'a> {
    clocks: usize,
    schedules: Vec<Shown<'a>>,
    rules: Value,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    row: &'a Listed,
    fault: Option<String>,
}

pub(super) async fn run(connection: &mut Connection, json: bool) -> anyhow::Result<Outcome> {
    let all = schedules::all(connection).await?;
    let clocks = schedules::clocks(connection).await?;
    let differences = postgres_zones::differences(connection, &moments(&all)).await;
    if json {
        let schedules = all.iter().map(|row| Shown { row, fault: schedules::read(row).err() }).collect();
        let rules = json!({ "release": Rules::current().release(), "differences": differences });
        println!("{}", serde_json::to_string_pretty(&Answer { clocks, schedules, rules })?);
        return Ok(Outcome::Done);
    }
    let palette = Palette::for_stdout();
    let lines: Vec<Vec<String>> = all.iter().map(line).collect();
    print!("{}", table(palette, &["NAME", "WHEN", "JOB", "NEXT", "LAST"], &lines));
    for row in &all {
        if let Err(fault) = schedules::read(row) {
            println!("{}", tell::fault(palette, &format!("{} never fires: {fault}", row.name)));
        }
    }
    for difference in differences {
        println!("{}", tell::notice(palette, &difference));
    }
    if clocks == 0 {
        println!(
            "{}",
            tell::notice(
                palette,
                "no clock is running, so nothing fires; start one with `sides dev`, or with `sides up` on a server"
            )
        );
    }
    Ok(Outcome::Done)
}

/// What each schedule's zone is compared with Postgres at: now, and each month of the coming year.
fn moments(all: &[Listed]) -> Vec<(Zone, DateTime<Utc>)> {
    let zones: BTreeSet<&str> = all.iter().map(|row| row.zone.as_str()).collect();
    let zones = zones.into_iter().filter_map(|zone| zone.parse().ok());
    let now = Utc::now();
    let months = |zone: Zone| (0..13).map(move |month| (zone.clone(), now + TimeDelta::days(30 * month)));
    zones.flat_map(months).collect()
}

fn line(row: &Listed) -> Vec<String> {
    let now = Utc::now();
    let next = match (row.paused_at, row.next_due_at) {
        (Some(at), _) => {
            let by = row.paused_by.as_deref().unwrap_or("somebody");
            format!("paused {} by {by}", said::moment(at, now))
        }
        (None, Some(at)) => said::moment(at, now),
        (None, None) => "not known yet".to_owned(),
    };
    let last = row.last_fired_at.map_or_else(|| "never".to_owned(), |at| said::moment(at, now));
    vec![row.name.clone(), format!("{} {}", row.expression, row.zone), row.kind.clone(), next, last]
}
