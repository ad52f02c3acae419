//! `sides jobs show`

use anyhow::{Context as _, bail};
use database::{Connection, Moment};
use schema::jobs::seen::{self, Attempt, Job};
use serde::Serialize;

use super::{STALE, command::ShowOptions};
use terminal::{Palette, clean, table};
use workspace::Outcome;

/// Written as it is: arguments may hold numbers that no `serde_json::Value` can.
#[derive(Serialize)]
struct Answer {
    job: Job,
    attempts: Vec<Attempt>,
}

pub(super) async fn run(connection: &mut Connection, options: &ShowOptions) -> anyhow::Result<Outcome> {
    let Some(job) = seen::find(connection, options.id, options.arguments).await.context(STALE)? else {
        bail!(
            "there is no job {}: it never existed, or its history has been deleted (JOB_HISTORY_DAYS)",
            options.id
        );
    };
    let attempts = seen::attempts(connection, options.id).await?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&Answer { job, attempts })?);
        return Ok(Outcome::Done);
    }
    println!("{} {}  {}", clean(&job.kind, false), job.id, job.state);
    for (name, text) in facts(&job) {
        println!("  {name:9} {}", clean(&text, false));
    }
    if !attempts.is_empty() {
        let rows: Vec<Vec<String>> = attempts.iter().map(row).collect();
        let head = ["ATTEMPT", "ENDED", "TOOK", "RELEASE", "OUTCOME", "ERROR"];
        print!("{}", table(Palette::for_stdout(), &head, &rows));
    }
    if let Some(next) = next(&job) {
        println!("next: {next}");
    }
    Ok(Outcome::Done)
}

fn facts(job: &Job) -> Vec<(&'static str, String)> {
    let by = job.enqueued_by.as_deref().unwrap_or("an unnamed user");
    let mut facts = vec![
        ("queue", job.queue.clone()),
        ("enqueued", format!("{} by {by}", time(job.created_at))),
        ("due", time(job.scheduled_at)),
    ];
    facts.extend(job.finished_at.map(|at| ("over", time(at))));
    facts.extend(job.waits_for.clone().map(|what| ("waits for", what)));
    facts.extend(job.tags.as_ref().map(|tags| ("tags", tags.to_string())));
    facts.extend(job.trace.clone().map(|trace| ("trace", trace)));
    facts.extend(job.error.clone().map(|error| ("error", error)));
    facts.extend(job.arguments.as_ref().map(|arguments| ("arguments", arguments.to_string())));
    facts
}

/// To the second; the ends of time as Postgres writes them.
fn time(at: Moment) -> String {
    at.exact().map_or_else(|| at.to_string(), |at| at.format("%F %TZ").to_string())
}

fn row(attempt: &Attempt) -> Vec<String> {
    // Durations are far below the 2^53 that a float holds exactly.
    #[allow(clippy::cast_precision_loss)]
    let took = attempt.duration_us.map_or_else(String::new, |us| format!("{:.1} ms", us as f64 / 1000.0));
    vec![
        attempt.attempt.to_string(),
        time(attempt.ended_at),
        took,
        attempt.release.clone().unwrap_or_default(),
        attempt.outcome.clone(),
        attempt.error.clone().unwrap_or_default(),
    ]
}

/// What a person may do about it.
fn next(job: &Job) -> Option<String> {
    let id = job.id;
    match job.state.as_str() {
        "failed" => Some(format!("sides jobs retry {id}, or sides jobs discard {id}")),
        "parked" => Some(format!("release a build that can read its arguments, or sides jobs discard {id}")),
        "runs" => Some(format!("sides jobs cancel {id}")),
        "waits" if job.waits_for.as_deref() == Some("its kind, which is paused") => {
            Some(format!("sides jobs resume --kind {}", job.kind))
        }
        "waits" if job.waits_for.as_deref() == Some("its queue, which is paused") => {
            Some(format!("sides jobs resume --queue {}", job.queue))
        }
        _ => None,
    }
}
