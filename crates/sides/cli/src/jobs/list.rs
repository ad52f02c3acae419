//! `sides jobs list`

use anyhow::Context as _;
use chrono::Utc;
use database::Connection;
use schema::jobs::seen::{self, Filter, Job};

use super::{
    STALE,
    command::{ListOptions, State},
};
use crate::{names, schedules::said};
use terminal::{Palette, clean, table, tell};
use workspace::Outcome;

/// Longer errors are read with `show`.
const LONGEST_ERROR: usize = 60;

pub(super) async fn run(connection: &mut Connection, options: &ListOptions) -> anyhow::Result<Outcome> {
    let filter = Filter {
        kind: options.kind.as_deref(),
        queue: options.queue.as_deref(),
        state: options.state.map(State::name),
        tag: options.tag.as_deref(),
        is_over: options.state.is_some_and(State::is_over),
        hours: options.hours,
        count: options.count,
    };
    let jobs = seen::list(connection, &filter).await.context(STALE)?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&jobs)?);
        return Ok(Outcome::Done);
    }
    let palette = Palette::for_stdout();
    if jobs.is_empty() {
        println!("no jobs match");
        names::warn_of_unknown(connection, options.kind.as_deref(), options.queue.as_deref()).await;
        return Ok(Outcome::Done);
    }
    let rows: Vec<Vec<String>> = jobs.iter().map(row).collect();
    print!("{}", table(palette, &["JOB", "KIND", "QUEUE", "STATE", "ATTEMPT", "DUE", "ERROR"], &rows));
    if jobs.len() == options.count as usize {
        println!("{}", tell::notice(palette, "there may be more; --count counts them"));
    }
    Ok(Outcome::Done)
}

fn row(job: &Job) -> Vec<String> {
    let now = Utc::now();
    let state = match &job.waits_for {
        Some(what) => format!("{} for {what}", job.state),
        None => job.state.clone(),
    };
    let error = clean(job.error.as_deref().unwrap_or_default(), false);
    let short: String = error.chars().take(LONGEST_ERROR).collect();
    let error = if short.len() < error.len() { format!("{short}…") } else { short };
    vec![
        job.id.to_string(),
        job.kind.clone(),
        job.queue.clone(),
        state,
        job.attempt.to_string(),
        said::moment(job.finished_at.unwrap_or(job.scheduled_at), now),
        error,
    ]
}
