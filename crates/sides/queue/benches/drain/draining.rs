//! Runners work off all there is.

use std::time::Duration;

use crate::{
    figures::{Figures, Table, Watch},
    kinds::{Nap, Nothing, Running},
    place::Place,
};

pub(crate) async fn measure(place: &Place, jobs: u64, table: &mut Table) {
    let given = std::env::var("BENCH_CONCURRENCY").unwrap_or_else(|_| "16,100,500".to_owned());
    let concurrency = given.split(',').map(|text| text.trim().parse().expect("BENCH_CONCURRENCY: numbers"));
    for (runners, concurrency) in concurrency.map(|concurrency| (1, concurrency)).chain([(2, 100)]) {
        place.fill(jobs, &Nothing {}).await;
        let figures = drain(place, jobs, runners, concurrency).await;
        table.add(&format!("no-op jobs, {runners} runner(s), concurrency {concurrency}"), figures);
    }
}

pub(crate) async fn measure_short(place: &Place, jobs: u64, table: &mut Table) {
    for concurrency in [16, 100] {
        place.fill(jobs, &Nap {}).await;
        let figures = drain(place, jobs, 1, concurrency).await;
        table.add(&format!("1 ms handlers, concurrency {concurrency}"), figures);
    }
}

/// How long runners need for all there is.
pub(crate) async fn drain(place: &Place, jobs: u64, runners: usize, concurrency: usize) -> Figures {
    let client = place.client().await;
    let watch = Watch::start(&client).await;
    let running = Running::start(place, runners, concurrency);
    let left = "SELECT EXISTS (SELECT FROM sides.fang_tasks)";
    while client.query_one(left, &[]).await.unwrap().get(0) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let figures = watch.stop(&client, jobs).await;
    running.stop().await;
    figures
}
