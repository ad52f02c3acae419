//! A long run of random migrations, each judged by `check` and then run for real beside live readers and writers.
//!
//! `cargo run -p sides-migrate --example random -- --count 5000 --seed 1` tries databases with the seeds 1, 2, 3 …
//! until that many migrations were tried; one seed brings one database back.

#![allow(clippy::unwrap_used, reason = "an experiment")]

#[path = "../../tests/it/random/mod.rs"]
mod random;

use std::{process::ExitCode, time::Instant};

use clap::Parser;
use random::Tally;

#[derive(Debug, Parser)]
struct Arguments {
    /// The number of migrations to try.
    #[arg(long, default_value_t = 500)]
    count: usize,
    /// The first database's seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stop after this many faults.
    #[arg(long, default_value_t = 20)]
    faults: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (mut all, mut seed, began) = (Tally::default(), arguments.seed, Instant::now());
    while all.tried < arguments.count && all.faults.len() < arguments.faults {
        let one = random::lane(seed).await;
        one.faults.iter().for_each(|fault| eprintln!("FAULT {fault}"));
        all.add(one);
        if (seed - arguments.seed) % 10 == 9 {
            // Whoever ends it early knows what there was up to here.
            eprintln!("{all}{} s", began.elapsed().as_secs());
        }
        seed += 1;
    }
    print!("{all}");
    println!("seeds {} to {}, {} s", arguments.seed, seed - 1, began.elapsed().as_secs());
    if all.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
