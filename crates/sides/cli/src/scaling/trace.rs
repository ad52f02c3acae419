//! The source of a simulation's jobs.

use std::{fs, path::Path, time::Duration};

use ::autoscale::{Arrival, Shape};
use anyhow::{Context as _, bail};
use database::Connection;

/// Made traffic, or that of a file; `None` for what the database recorded.
pub(super) fn without_database(traffic: &str) -> anyhow::Result<Option<Vec<Arrival>>> {
    Ok(Some(match traffic {
        "recorded" => return Ok(None),
        "burst" => Shape::Burst.jobs(),
        "step" => Shape::Step.jobs(),
        "day" => Shape::Day.jobs(),
        file => read(Path::new(file))?,
    }))
}

fn read(file: &Path) -> anyhow::Result<Vec<Arrival>> {
    let text = fs::read_to_string(file).with_context(|| {
        format!("{} is not recorded, burst, step or day, and not a readable file", file.display())
    })?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let mut jobs = lines
        .map(|(number, line)| {
            let arrival = arrival(line);
            arrival.with_context(|| format!("{}:{}: not SECOND DURATION", file.display(), number + 1))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    jobs.sort_by_key(|job| job.at);
    some(jobs)
}

fn arrival(line: &str) -> Option<Arrival> {
    let (at, runs) = line.trim().split_once(char::is_whitespace)?;
    let seconds = |text: &str| Duration::try_from_secs_f64(text.trim().parse().ok()?).ok();
    Some(Arrival { at: seconds(at).filter(|at| at.as_secs() <= 30 * 86_400)?, runs: seconds(runs)? })
}

pub(super) async fn recorded(connection: &mut Connection, hours: u16) -> anyhow::Result<Vec<Arrival>> {
    let rows = schema::jobs::replay::recorded(connection, hours).await;
    let rows = rows.context("cannot read the history; is the schema up to date? run `sides migration up`")?;
    let seconds = |number: f64| Duration::try_from_secs_f64(number).unwrap_or_default();
    some(rows.into_iter().map(|job| Arrival { at: seconds(job.at), runs: seconds(job.runs) }).collect())
}

fn some(jobs: Vec<Arrival>) -> anyhow::Result<Vec<Arrival>> {
    if jobs.is_empty() {
        bail!("there are no jobs to replay; try generated traffic: sides scaling simulate burst");
    }
    Ok(jobs)
}
