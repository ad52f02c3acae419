//! How many pings the real programs hold, how late the latest is, and what that costs.
//!
//! `cargo bench -p worker --bench pings` builds the release programs, starts a Postgres of its own, web,
//! worker, clock and a few HTTP servers, all on loopback, and prints a table. It asserts nothing about time.

mod arguments;
mod bench_database;
mod figures;
mod page;
mod programs;
mod sites;
mod usage;

use std::time::{Duration, Instant};

use clap::Parser as _;
use tokio::time::sleep;

use crate::{
    arguments::Arguments,
    bench_database::BenchDatabase,
    figures::Figures,
    programs::Running,
    sites::Sites,
    usage::{Meter, Tree},
};

/// A ping that is later than this is a ping left out.
const GRACE: Duration = Duration::from_secs(3);

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = programs::build()?;
    let database = BenchDatabase::start().await?;
    println!("{arguments}, {}", database.description().await?);

    let mut running = Vec::new();
    for name in ["web", "worker", "clock"] {
        running.push(Running::start(&folder, name, database.url()).await?);
    }
    sleep(arguments.idle()).await;
    let idle: Vec<u64> = running.iter().map(Running::peak_memory_kb).collect::<Result<_, _>>()?;

    let sites = Sites::open(&arguments).await?;
    let begun = Instant::now();
    database.add_services(&sites, &arguments).await?;
    let burst = database.first_burst(&arguments).await?;
    let burst_took = begun.elapsed();
    sleep(arguments.warm_up()).await;

    let page = running[0].public_address().await?;
    let (from, meters) = (database.now().await?, meters(&running, &database)?);
    let pages = tokio::spawn(page::read_for(page, arguments.measured()));
    sleep(arguments.measured()).await;
    let costs: Vec<f64> = meters.iter().map(Meter::cores).collect::<Result<_, _>>()?;
    // The last ones that were due are still on their way.
    sleep(GRACE).await;
    let figures = database.figures(&from, &arguments).await?;
    let pages = pages.await??;

    print_pings(&arguments, &figures, &burst, burst_took);
    println!("page /         {pages}");
    println!("\n{:<12}{:>12}{:>12}{:>20}", "process", "idle MiB", "peak MiB", "CPU, % of a core");
    for ((one, idle), cost) in running.iter().zip(idle).zip(&costs) {
        let (idle, peak) = (mib(idle), mib(one.peak_memory_kb()?));
        println!("{:<12}{idle:>12.1}{peak:>12.1}{:>20.1}", one.name, cost * 100.0);
    }
    println!("{:<12}{:>12}{:>12}{:>20.1}", "postgres", "", "", costs[running.len()] * 100.0);
    println!("\na ping's row with its indexes: {} bytes", database.bytes_per_ping().await?);
    drop(running);
    database.stop().await;
    Ok(())
}

fn meters(running: &[Running], database: &BenchDatabase) -> anyhow::Result<Vec<Meter>> {
    let processes = running.iter().map(|one| Tree::of(one.pid));
    processes.chain([Tree::of(database.pid()?)]).map(Meter::start).collect()
}

fn print_pings(arguments: &Arguments, figures: &Figures, burst: &Figures, burst_took: Duration) {
    println!("\npings/s        {:.1} wanted, {:.1} held", arguments.wanted(), figures.per_second(arguments));
    println!("lateness       {figures}");
    println!("left out       {} services that answer had a ping less than they should", figures.starved);
    println!("failed         {} pings of {}", figures.failed, figures.pings);
    println!(
        "first burst    {} due at once: {burst}; all pinged after {:.1} s",
        burst.pings,
        burst_took.as_secs_f64()
    );
}

#[expect(clippy::cast_precision_loss, reason = "a table shows one digit")]
fn mib(kb: u64) -> f64 {
    kb as f64 / 1024.0
}
