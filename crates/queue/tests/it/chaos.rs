//! Real workers under load, killed, stopped beyond their lease and cut off at random; then a checker looks through
//! everything that was written down.
//!
//! Repeatable up to the machine's timing: `CHAOS_SEED` sets the order of blows and `CHAOS_BLOWS` how many there are.

use std::{process::Command, time::Duration};

use nix::sys::signal::Signal;
use queue::{Options, enqueue_named};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;
use testing::{Program, TestDatabase, example, wait_until};

use crate::fixture::{count, execute, text};

const WORKERS: usize = 3;
const JOBS_A_BLOW: u32 = 30;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn worker(database: &TestDatabase) -> Program {
    Program::start(Command::new(example("chaos_worker")).env("CHAOS_DATABASE_URL", database.url().expose()))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_only_what_lost_its_worker_runs_twice() {
    let (seed, blows) = (number("CHAOS_SEED", 7), number("CHAOS_BLOWS", 10));
    let mut random = StdRng::seed_from_u64(seed);
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    execute(
        &mut c,
        "CREATE TABLE chaos_runs (job uuid, what text, pid int, at timestamptz DEFAULT clock_timestamp())",
    )
    .await;
    execute(&mut c, "CREATE TABLE chaos_jobs (job uuid PRIMARY KEY)").await;
    let mut workers: Vec<Program> = (0..WORKERS).map(|_| worker(&database)).collect();
    let (mut kills, mut stops, mut cuts) = (0, 0, 0);
    for blow in 0..blows {
        for _ in 0..JOBS_A_BLOW {
            let arguments = json!({"millis": random.random_range(0..150_u64)});
            let id = enqueue_named(&mut c, "chaos", arguments, &Options::default()).await.unwrap();
            execute(&mut c, &format!("INSERT INTO chaos_jobs VALUES ('{id}')")).await;
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(0..200))).await;
        let which = random.random_range(0..WORKERS);
        // Each kind of blow comes, however few there are.
        match blow % 3 {
            0 => {
                workers[which].signal(Signal::SIGKILL);
                workers[which] = worker(&database);
                kills += 1;
            }
            1 => {
                workers[which].signal(Signal::SIGSTOP);
                // Until the others have freed its jobs, or it had none.
                tokio::time::sleep(Duration::from_millis(2500)).await;
                workers[which].signal(Signal::SIGCONT);
                stops += 1;
            }
            _ => {
                let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
                count(&mut c, others).await;
                cuts += 1;
            }
        }
    }
    let left = "SELECT count(*) FROM sides.fang_tasks";
    let c = tokio::sync::Mutex::new(c);
    let over = async || count(&mut *c.lock().await, left).await == 0;
    wait_until("all jobs are over", Duration::from_secs(60), over).await;
    drop(workers);
    let mut c = c.into_inner();
    println!("seed {seed}: {kills} kills, {stops} stops, {cuts} cuts; {}", text(&mut c, FIGURES).await);
    for (what, sql) in CHECKS {
        assert_eq!(count(&mut c, sql).await, 0, "seed {seed}: {what}");
    }
}

const FIGURES: &str = "SELECT count(*) || ' jobs, ' || (SELECT count(*) FROM chaos_runs WHERE what = 'start') \
    || ' starts, ' || (SELECT count(*) FROM sides.job_attempts WHERE outcome = 'lost') || ' leases lost' FROM chaos_jobs";

const CHECKS: [(&str, &str); 4] = [
    (
        "jobs that were enqueued and did not finish exactly once",
        "SELECT count(*) FROM chaos_jobs WHERE 1 <> (SELECT count(*) FROM sides.job_history \
         WHERE id = job AND outcome = 'finished')",
    ),
    (
        "jobs that nobody enqueued",
        "SELECT count(*) FROM sides.job_history WHERE id NOT IN (SELECT job FROM chaos_jobs)",
    ),
    (
        "jobs that finished without having run to their end",
        "SELECT count(*) FROM chaos_jobs \
         WHERE NOT EXISTS (SELECT FROM chaos_runs WHERE chaos_runs.job = chaos_jobs.job AND what = 'end')",
    ),
    // An attempt that a cut connection made fail is one more, too.
    (
        "jobs that ran again although no worker had lost them",
        "SELECT count(*) FROM (SELECT job, count(*) AS starts FROM chaos_runs WHERE what = 'start' GROUP BY job) AS runs \
         WHERE starts > 1 + (SELECT count(*) FROM sides.job_attempts WHERE job_id = job AND outcome IN ('lost', 'retried'))",
    ),
];
