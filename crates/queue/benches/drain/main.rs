//! How fast the queue is, on a Postgres of its own.
//!
//! `cargo bench -p queue` prints a table. `BENCH_JOBS` (default 200000) says how many jobs are drained,
//! `BENCH_BACKLOG` how many wait behind them in the backlog case (default 1000000), `BENCH_DATABASE_URL` a server
//! to use instead of a fresh one (a database is created there and dropped).
#![allow(missing_docs, clippy::unwrap_used, clippy::cast_precision_loss)]

mod ceiling;
mod enqueueing;
mod figures;
mod idle;
mod place;
mod running;

use figures::Table;
use place::Place;

fn main() {
    // `cargo test --benches` only wants to know that it builds and starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let place = Place::open().await;
        let jobs = figures::number("BENCH_JOBS", 200_000);
        let backlog = figures::number("BENCH_BACKLOG", 1_000_000);
        let mut table = Table::default();
        println!("{} on {} cores, {jobs} jobs", place.version().await, figures::cores());
        ceiling::measure(&place, jobs, &mut table).await;
        running::measure(&place, jobs, backlog, &mut table).await;
        enqueueing::measure(&place, &mut table).await;
        idle::measure(&place, &mut table).await;
        place.close().await;
    });
}
