//! How fast the queue is, on a Postgres of its own.
//!
//! `cargo bench -p sides-queue` prints every figure, and the medians in the end.
//!
//! | Variable | Default | |
//! |---|---|---|
//! | `BENCH_ONLY` | all but `memory` and `steady` | cases, with commas between: `ceiling drain short snapshot backlog enqueue idle memory steady` |
//! | `BENCH_JOBS` | 200000 | how many jobs are drained |
//! | `BENCH_ROUNDS` | 3 | how often; every other round takes the cases in the other order |
//! | `BENCH_CONCURRENCY` | 16,100,500 | of the runner |
//! | `BENCH_PREFETCH` | 5000 | of the runner |
//! | `BENCH_SECONDS` | 40 | how long jobs come and go in the case `steady`; with `BENCH_HELD=1` a snapshot is held in its second half |
//! | `BENCH_BACKLOG` | 1000000 | how many wait behind the drained ones in the case `backlog` |
//! | `BENCH_FOLDER` | a temporary one | where the server lives; what `backlog` has filled is kept there and used again |
#![allow(missing_docs, clippy::unwrap_used, clippy::cast_precision_loss)]

mod backlog;
mod ceiling;
mod draining;
mod enqueueing;
mod figures;
mod idle;
mod kinds;
mod memory;
mod place;
mod processor;
mod snapshot;
mod steady;

use figures::{Table, number};
use place::Place;

const CASES: &str = "ceiling,drain,short,snapshot,backlog,enqueue,idle";

fn main() {
    // `cargo test --benches` only wants to know that it builds and starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let only = std::env::var("BENCH_ONLY").unwrap_or_else(|_| CASES.to_owned());
        let mut cases: Vec<&str> = only.split(',').map(str::trim).collect();
        let (jobs, rounds) = (number("BENCH_JOBS", 200_000), number("BENCH_ROUNDS", 3));
        let place = Place::open().await;
        println!("{} on {} cores, {jobs} jobs", place.version().await, figures::cores());
        let mut table = Table::default();
        for round in 1..=rounds {
            println!("\nround {round}");
            for case in &cases {
                run(case, &place, jobs, &mut table).await;
            }
            cases.reverse();
        }
        table.print();
        place.close().await;
    });
}

async fn run(case: &str, place: &Place, jobs: u64, table: &mut Table) {
    match case {
        "ceiling" => ceiling::measure(place, jobs, table).await,
        "drain" => draining::measure(place, jobs, table).await,
        "short" => draining::measure_short(place, jobs / 10, table).await,
        "snapshot" => snapshot::measure(place, jobs, table).await,
        "backlog" => backlog::measure(place, jobs, number("BENCH_BACKLOG", 1_000_000), table).await,
        "enqueue" => enqueueing::measure(place, table).await,
        "idle" => idle::measure(place, table).await,
        "memory" => memory::measure(place, jobs, table).await,
        "steady" => steady::measure(place, table).await,
        other => panic!("there is no case {other:?}; there are {CASES},memory,steady"),
    }
}
