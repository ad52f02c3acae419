//! `sides scaling simulate`

use std::{fs, time::Duration};

use ::autoscale::{Arrival, Plant, Point, Policy, simulate};
use anyhow::Context as _;
use serde_json::{Value, json};

use super::{chart, command::SimulateOptions, svg};
use workspace::Outcome;

pub(super) fn run(options: &SimulateOptions, jobs: &[Arrival]) -> anyhow::Result<Outcome> {
    let seconds = Duration::from_secs;
    let policy = Policy {
        delay: seconds(options.delay),
        calm: seconds(options.calm),
        up_pause: seconds(options.up),
        down_pause: seconds(options.down),
        ..options.instances.clone()
    };
    let plant = Plant { slots: options.slots, start: seconds(options.start), every: seconds(5) };
    let run = simulate(&policy, plant, jobs);
    if let Some(file) = &options.svg {
        let what = || format!("cannot write {}", file.display());
        fs::write(file, svg::draw(&run)).with_context(what)?;
    }
    if options.json {
        let points: Vec<_> = run.points.iter().map(point).collect();
        let summary = json!({
            "policy": policy, "jobs": jobs.len(), "changes": run.changes, "most_instances": run.most(),
            "instance_hours": run.instance_hours, "points": points,
            // As they were called before.
            "most_copies": run.most(), "copy_hours": run.instance_hours,
            "waits_seconds": { "p50": run.wait(50), "p95": run.wait(95), "p99": run.wait(99), "max": run.wait(100) },
        });
        println!("{}", serde_json::to_string(&summary)?);
        return Ok(Outcome::Done);
    }
    print!("{}", chart::draw(&run));
    println!(
        "{} jobs waited {} s (median), {} s (p95), {} s (p99), {} s (maximum)",
        jobs.len(),
        run.wait(50),
        run.wait(95),
        run.wait(99),
        run.wait(100)
    );
    println!(
        "{} changes, up to {} instances, {:.1} instance-hours",
        run.changes,
        run.most(),
        run.instance_hours
    );
    Ok(Outcome::Done)
}

fn point(point: &Point) -> Value {
    let Point { second, instances, waiting, delay } = point;
    // `copies` is what `instances` was called before.
    json!({ "second": second, "instances": instances, "copies": instances, "waiting": waiting, "delay": delay })
}
