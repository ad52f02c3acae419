//! What one would write first: a loop on the `cron` crate that enqueues what is due, one after the other. It
//! remembers nothing, fires twice when two run, and misses what was due while it was away.

use std::{process::id, str::FromStr as _, time::Duration};

use chrono::{DateTime, Utc};
use queue::Options;

use crate::{
    scene::{Measured, Scene, due},
    usage::{Meter, Usage},
};

pub(crate) async fn run(
    scene: &mut Scene,
    size: usize,
    expression: fn(usize) -> String,
    time: Duration,
) -> (Measured, Usage) {
    scene.clear().await;
    let schedules: Vec<cron::Schedule> =
        (0..size).map(|index| cron::Schedule::from_str(&expression(index)).expect("an expression")).collect();
    let begun = Utc::now();
    let mut next: Vec<DateTime<Utc>> =
        schedules.iter().map(|one| one.after(&begun).next().expect("one")).collect();
    let until = begun + time;
    let meter = Meter::start(id());
    let mut lateness_us = Vec::new();
    loop {
        let wake = *next.iter().min().expect("there are some");
        if wake > until {
            break;
        }
        tokio::time::sleep((wake - Utc::now()).to_std().unwrap_or_default()).await;
        let now = Utc::now();
        for (schedule, next) in schedules.iter().zip(&mut next).filter(|(_, next)| **next <= now) {
            let arguments = serde_json::json!({});
            let enqueued =
                queue::enqueue_named(&mut scene.connection, "work", arguments, &Options::default()).await;
            enqueued.expect("the queue takes it");
            lateness_us.push((Utc::now() - *next).num_microseconds().unwrap_or(i64::MAX));
            *next = schedule.after(&Utc::now()).next().expect("one");
        }
    }
    lateness_us.sort_unstable();
    let usage = meter.stop();
    let missing = due(begun, until, size, expression) - i64::try_from(lateness_us.len()).unwrap_or(0);
    (Measured { lateness_us, missing }, usage)
}
