//! How late ticks are, how soon another scheduler takes over, and what keeping schedules costs.
//!
//! `cargo bench -p sides-scheduler` starts a Postgres of its own and real schedulers, all on loopback, and prints a table. A
//! plain loop on the `cron` crate runs beside it, with the same schedules and the same queue. It asserts nothing
//! about time. `TICKS_SECONDS` is how long each row is measured, 20 by default.

mod peer;
mod scene;
mod takeover;
mod usage;

use std::{process::ExitCode, time::Duration};

use scene::{Measured, Scene};
use sides_scheduler::{Scheduler, declaration};
use usage::Meter;

const SIZES: [usize; 3] = [10, 1_000, 10_000];

/// A tenth of them is due every second, all at once.
fn tenth(index: usize) -> String {
    let second = index % 10;
    format!(
        "{second},{},{},{},{},{} * * * * *",
        second + 10,
        second + 20,
        second + 30,
        second + 40,
        second + 50
    )
}

fn spread(_: usize) -> String {
    "every 10 s jitter 10 s".to_owned()
}

fn yearly(_: usize) -> String {
    "@yearly".to_owned()
}

fn main() -> ExitCode {
    if std::env::var_os(scene::IS_SCHEDULER).is_some() {
        return scheduler();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(measure());
    ExitCode::SUCCESS
}

/// What is measured: a process of its own that runs this same program.
fn scheduler() -> ExitCode {
    let definition =
        process::Definition::new("scheduler", "Fires jobs when they are due.").threads(1).pool_size(2);
    definition.declares(declaration(&[])).run(
        |_| (),
        |process, ()| async move {
            Scheduler::new(Vec::new()).start(&process)?;
            process.drain.started().await;
            Ok(())
        },
    )
}

async fn measure() {
    let seconds = std::env::var("TICKS_SECONDS").map_or(20, |text| text.parse().expect("a number"));
    let time = Duration::from_secs(seconds);
    let mut scene = Scene::open().await;
    println!("{}, each row {seconds} s\n", scene.description().await);
    println!(
        "{:<34}{:>10}{:>8}{:>9}{:>9}{:>9}{:>9}{:>8}{:>8}",
        "", "schedules", "ticks", "missing", "p50 ms", "p99 ms", "max ms", "CPU %", "MiB"
    );
    for size in SIZES {
        scheduler_row(&mut scene, "scheduler, a tenth due each second", size, tenth, time).await;
        let (measured, meter) = peer::run(&mut scene, size, tenth, time).await;
        print_row("plain cron loop, the same", size, &measured, &meter);
        scheduler_row(&mut scene, "scheduler, spread by jitter", size, spread, time).await;
        scheduler_row(&mut scene, "scheduler, idle (@yearly)", size, yearly, time / 2).await;
    }
    println!("\n{}", takeover::run(&mut scene).await);
    scene.close().await;
}

async fn scheduler_row(
    scene: &mut Scene,
    title: &str,
    size: usize,
    expression: fn(usize) -> String,
    time: Duration,
) {
    scene.clear().await;
    scene.store(size, expression).await;
    let scheduler = scene.scheduler().await;
    // The first seconds tell everybody about the new schedules.
    tokio::time::sleep(Duration::from_secs(12)).await;
    let from = scene.now().await;
    let meter = Meter::start(scheduler.id());
    tokio::time::sleep(time).await;
    let meter = meter.stop();
    let until = scene.now().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let measured = scene.measured(from, until, size, expression).await;
    print_row(title, size, &measured, &meter);
}

fn print_row(title: &str, size: usize, measured: &Measured, usage: &usage::Usage) {
    let [p50, p99, max] = measured.lateness_ms();
    println!(
        "{title:<34}{size:>10}{:>8}{:>9}{p50:>9}{p99:>9}{max:>9}{:>8.1}{:>8.1}",
        measured.ticks(),
        measured.missing,
        usage.cpu * 100.0,
        usage.mib
    );
}
