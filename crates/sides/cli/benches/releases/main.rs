//! Releases in a row of web, worker and clock, under strict requests and a clock that ticks: who was failed, which job is
//! lost, which tick is missed. Then what can go wrong, and beside it what else people do: a plain restart, and one under
//! a held socket.
//!
//! `cargo bench -p sides-cli --bench releases -- --releases 100 --clients 8` is the long run; with `--tally FILE` several
//! shorter ones add up. A release differs from the one before by one byte behind its program. It prints, and asserts
//! nothing about time.

mod bed;
mod builds;
mod dying;
mod faults;
mod mixed;
mod restarts;
mod rolling;
mod tally;
mod wrk;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::ensure;
use bed::Bed;
use clap::{Parser, ValueEnum};
use platform::prober::Seen;
use testing::TestDatabase;

const PROCESSES: [&str; 3] = ["worker", "clock", "web"];
const PATIENCE: Duration = Duration::from_secs(120);

/// Releases in a row, under load.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many releases of all three.
    #[arg(long, default_value_t = 10)]
    releases: u32,
    /// How many clients ask web, half of them on connections that they keep.
    #[arg(long, default_value_t = 6)]
    clients: usize,
    /// What they ask for.
    #[arg(long, default_value = "/")]
    path: String,
    /// How many instances of web and of worker the part `mixed` has.
    #[arg(long, default_value_t = 1)]
    instances: usize,
    /// Begin no further release after so many seconds.
    #[arg(long, default_value_t = 3600)]
    seconds: u64,
    /// Adds what was counted to what earlier runs have left in this file, and prints the sum.
    #[arg(long)]
    tally: Option<PathBuf>,
    /// Only these parts.
    #[arg(long, value_delimiter = ',', default_values = ["releases", "faults", "dying", "restarts"])]
    parts: Vec<Part>,
    /// Where web, worker, clock and migrate lie; by default beside this workspace's `sides`.
    #[arg(long)]
    programs: Option<PathBuf>,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Releases that go well.
    Releases,
    /// Builds that never get ready, and a host that is killed.
    Faults,
    /// A build that dies while it is watched.
    Dying,
    /// web alone, stopped and started.
    Restarts,
    /// Good and bad releases in turn, by `sides release`.
    Mixed,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let beside = || Path::new(env!("CARGO_BIN_EXE_sides")).parent().map(Path::to_owned).unwrap_or_default();
    let programs = arguments.programs.clone().unwrap_or_else(beside);
    for name in PROCESSES {
        ensure!(programs.join(name).exists(), "{name} is not in {}: build it first", programs.display());
    }
    drop(rustls::crypto::ring::default_provider().install_default());
    let database = TestDatabase::create().await;
    println!("{} cores, {} clients", std::thread::available_parallelism()?, arguments.clients);
    println!("{:<48} {:>9} {:>7} {:>9} {:>9} {:>10}", "", "requests", "failed", "p50", "p99", "slowest");
    let does = |part: Part| arguments.parts.contains(&part);
    let mut bed = Bed::start(programs, database.url().clone()).await?;
    if does(Part::Releases) {
        rolling::run(&mut bed, &arguments).await?;
    }
    if does(Part::Faults) {
        faults::run(&mut bed, &arguments).await?;
    }
    if does(Part::Mixed) {
        mixed::run(&mut bed, &arguments).await?;
    }
    bed.end()?;
    if does(Part::Dying) {
        dying::run(&bed.programs, &bed.url, &arguments).await?;
    }
    if does(Part::Restarts) {
        restarts::run(&bed, &arguments, true).await?;
        restarts::run(&bed, &arguments, false).await?;
    }
    Ok(())
}

fn tell(what: &str, seen: &Seen) {
    let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    println!(
        "{what:<48} {:>9} {:>7} {:>9} {:>9} {:>10}",
        seen.all(),
        seen.failed(),
        ms(seen.percentile(50.0)),
        ms(seen.percentile(99.0)),
        ms(seen.slowest)
    );
    for (reason, count) in &seen.failures {
        println!("  {count} × {reason}");
    }
    // A long run is watched.
    drop(std::io::stdout().flush());
}
