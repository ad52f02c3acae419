//! What is printed: each figure when it is there, as a run that is stopped has said something, and the medians.

use std::time::{Duration, Instant};

use tokio_postgres::Client;

use crate::processor::Times;

pub(crate) fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")),
        Err(_) => default,
    }
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// Something that is being measured.
pub(crate) struct Watch {
    began: Instant,
    times: Times,
}

impl Watch {
    pub(crate) async fn start(client: &Client) -> Self {
        Self { times: Times::now(client).await, began: Instant::now() }
    }

    pub(crate) async fn stop(self, client: &Client, count: u64) -> Figures {
        let took = self.began.elapsed();
        let times = Times::now(client).await.since(self.times);
        let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
        vec![
            ("/s", count as f64 / took.as_secs_f64()),
            ("µs runner", each(times.here)),
            ("µs Postgres", each(times.server)),
        ]
    }
}

/// Values with their units.
pub(crate) type Figures = Vec<(&'static str, f64)>;

#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<(String, Vec<Figures>)>,
}

impl Table {
    pub(crate) fn add(&mut self, what: &str, figures: Figures) {
        show(what, &figures);
        match self.rows.iter_mut().find(|(name, _)| name == what) {
            Some((_, all)) => all.push(figures),
            None => self.rows.push((what.to_owned(), vec![figures])),
        }
    }

    pub(crate) fn print(&self) {
        println!("\nmedians");
        for (what, all) in &self.rows {
            let columns = (0..all[0].len()).map(|column| {
                (all[0][column].0, median(all.iter().map(|figures| figures[column].1).collect()))
            });
            show(what, &columns.collect());
        }
    }
}

fn show(what: &str, figures: &Figures) {
    let figures: Vec<String> = figures.iter().map(|(unit, value)| format!("{value:>10.1} {unit}")).collect();
    println!("{what:<46} {}", figures.join(" "));
}

/// Those that some share of all does not exceed.
pub(crate) fn percentiles(mut all: Vec<Duration>) -> Figures {
    all.sort_unstable();
    let at = |share: usize| all[(all.len() * share / 100).min(all.len() - 1)].as_secs_f64() * 1e3;
    vec![("ms p50", at(50)), ("ms p99", at(99))]
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}
