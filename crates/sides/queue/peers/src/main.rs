//! The queue beside fang, graphile_worker and apalis, on the same durable Postgres, one after the other.
//!
//! `cargo run --release` in this folder prints every figure, and the medians with how many times as fast ours is.
//!
//! | Variable | Default | |
//! |---|---|---|
//! | `BENCH_ONLY` | all | cases, with commas between: `drain short enqueue idle` |
//! | `BENCH_PEERS` | the best of each | `name:concurrency`, with commas between; the same peer may come more than once |
//! | `BENCH_JOBS` | 100000 | how many jobs each drains; fang, which needs a hundred times as long, gets 1 in 100 |
//! | `BENCH_ROUNDS` | 3 | how often; every other round takes the peers in the other order |
//!
//! graphile_worker takes its number of local queues of 5000 as a third number, ours as many jobs ahead.

mod apalis_peer;
mod cases;
mod fang_peer;
mod graphile_peer;
mod ours;
mod peer;
mod place;
mod table;
mod work;

use apalis_peer::Apalis;
use fang_peer::Fang;
use graphile_peer::Graphile;
use ours::Ours;
use peer::Setting;
use place::Place;
use table::Table;

const PEERS: &str = "ours:100:2,graphile_worker:500:2,apalis:1000,fang:16";

fn given(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[tokio::main]
async fn main() {
    let (jobs, rounds) = (number("BENCH_JOBS", 100_000), number("BENCH_ROUNDS", 3));
    let (peers, cases) = (given("BENCH_PEERS", PEERS), given("BENCH_ONLY", "drain,short,enqueue,idle"));
    let mut settings: Vec<Setting> = peers.split(',').map(Setting::parse).collect();
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    println!("{jobs} jobs on {cores} cores");
    let place = Place::open().await;
    let mut table = Table::default();
    for round in 1..=rounds {
        println!("\nround {round}");
        for case in cases.split(',').map(str::trim) {
            for setting in &settings {
                run(case, setting, &place, jobs, &mut table).await;
            }
        }
        settings.reverse();
    }
    table.print();
    place.close().await;
}

async fn run(case: &str, setting: &Setting, place: &Place, jobs: u64, table: &mut Table) {
    match setting.name.as_str() {
        "ours" => cases::run::<Ours>(case, setting, place, jobs, table).await,
        "graphile_worker" => cases::run::<Graphile>(case, setting, place, jobs, table).await,
        "apalis" => cases::run::<Apalis>(case, setting, place, jobs, table).await,
        "fang" => cases::run::<Fang>(case, setting, place, jobs / 100, table).await,
        other => panic!("there is no peer {other:?}; there are {PEERS}"),
    }
}
