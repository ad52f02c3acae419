//! The queue beside fang, graphile_worker and apalis: each drains the same number of no-op jobs, on the same Postgres,
//! one after the other, with the same concurrency and its best settings.
//!
//! `cargo run --release` in this folder prints a table. `BENCH_JOBS` (default 100000) says how many jobs each drains;
//! fang, which needs a thousand times as long, gets 1 in 100 of them. `BENCH_ROUNDS` (default 2) repeats everything.
//! `BENCH_CONCURRENCY` (default `16,100`) says how many jobs run at a time.

mod apalis_peer;
mod counting;
mod fang_peer;
mod graphile_peer;
mod ours;
mod place;

use std::time::Duration;

use place::Place;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn rate(jobs: u64, took: Duration) -> f64 {
    jobs as f64 / took.as_secs_f64()
}

#[tokio::main]
async fn main() {
    let (jobs, rounds) = (number("BENCH_JOBS", 100_000), number("BENCH_ROUNDS", 2));
    let given = std::env::var("BENCH_CONCURRENCY").unwrap_or_else(|_| "16,100".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    println!("{jobs} no-op jobs on {cores} cores; jobs/s, and how many times as fast ours is\n");
    let place = Place::open().await;
    for concurrency in given.split(',').map(|text| text.trim().parse::<usize>().expect("a number")) {
        for round in 1..=rounds {
            let ours = rate(jobs, ours::drain(&place.database("ours").await, jobs, concurrency).await);
            println!("concurrency {concurrency}, round {round}\n  ours            {ours:>9.0}");
            let show = |name: &str, peer: f64| println!("  {name:<15} {peer:>9.0}  {:>6.1} x", ours / peer);
            let url = place.database("graphile").await;
            show("graphile_worker", rate(jobs, graphile_peer::drain(&url, jobs, concurrency).await));
            let url = place.database("apalis").await;
            show("apalis-postgres", rate(jobs, apalis_peer::drain(&url, jobs, concurrency).await));
            let (few, url) = ((jobs / 100).max(1), place.database("fang").await);
            show("fang", rate(few, fang_peer::drain(&url, few, concurrency).await));
        }
    }
    place.close().await;
}
