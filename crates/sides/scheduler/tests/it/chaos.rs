//! Three schedulers that are killed and stopped, one of them on a machine with the wrong time, on a Postgres that
//! is restarted: every tick has its row and its job, once. `CHAOS_TICKS=10000` makes it a long one.

use std::{path::Path, time::Duration};

use database::DatabaseUrl;
use nix::sys::signal::Signal;
use postgres::{Cluster, Opened, Settings};
use testing::Program;

use crate::fixture::{Questions, scheduler_on, skewed_scheduler_on};

const SCHEDULES: i64 = 4;
const EVERY_MS: i64 = 50;

async fn open(folder: &Path) -> Cluster {
    let settings = Settings { durable: false, ..Settings::default() };
    match Cluster::open(folder, settings).await.expect("Postgres starts") {
        Opened::Started(cluster) => cluster,
        Opened::Running { .. } => panic!("nobody else runs it"),
    }
}

async fn ask(url: &DatabaseUrl) -> Questions {
    Questions(database::connect(url).await.expect("Postgres answers"))
}

async fn count(questions: &mut Questions) -> i64 {
    questions.number("SELECT count(*) FROM sides.ticks WHERE schedule LIKE 'chaos%'").await
}

/// Something new every second or so, so that each step meets other steps' leftovers.
async fn disturb(step: usize, schedulers: &mut [Program; 3], url: &DatabaseUrl) {
    let which = step % 3;
    match step % 4 {
        0 | 2 => {
            schedulers[which].signal(Signal::SIGKILL);
            schedulers[which].ended().await;
            schedulers[which] = if which == 2 { skewed_scheduler_on(url) } else { scheduler_on(url) };
        }
        1 => schedulers[which].signal(Signal::SIGSTOP),
        _ => schedulers.iter().for_each(|scheduler| scheduler.signal(Signal::SIGCONT)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn none_is_missing_and_none_is_doubled() {
    let ticks: i64 = std::env::var("CHAOS_TICKS").map_or(1_000, |text| text.parse().expect("a number"));
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = open(folder.path()).await;
    let url: DatabaseUrl = cluster.url().parse().unwrap();
    migrate::up(&url, &migrate::chassis().expect("the chassis' migrations are whole"))
        .await
        .expect("the migrations apply");
    let mut questions = ask(&url).await;
    let mut schedulers = [scheduler_on(&url), scheduler_on(&url), skewed_scheduler_on(&url)];
    for number in 0..SCHEDULES {
        questions.store(&format!("chaos{number}"), &format!("every {EVERY_MS} ms"), "all within 1 h").await;
    }
    let mut step = 0;
    while count(&mut questions).await < ticks {
        disturb(step, &mut schedulers, &url).await;
        if step % 10 == 7 {
            drop(questions);
            cluster.stop().await;
            cluster = open(folder.path()).await;
            questions = ask(&url).await;
        }
        step += 1;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    schedulers.iter().for_each(|scheduler| scheduler.signal(Signal::SIGCONT));
    let begun = "SELECT count(*) FROM sides.stored_schedules
        WHERE (SELECT min(due_at) FROM sides.ticks WHERE schedule = name) <= since + interval '50 ms'";
    assert_eq!(questions.number(begun).await, SCHEDULES, "the first ticks are missing");
    questions.run("DELETE FROM sides.stored_schedules").await;
    questions.until("SELECT count(*) = 0 FROM sides.schedules WHERE name LIKE 'chaos%'").await;
    for scheduler in &mut schedulers {
        scheduler.signal(Signal::SIGTERM);
        scheduler.ended().await;
    }

    let gaps = "SELECT count(*) FROM (
            SELECT due_at - lag(due_at) OVER (PARTITION BY schedule ORDER BY due_at) AS gap
            FROM sides.ticks WHERE schedule LIKE 'chaos%'
        ) AS pairs WHERE gap <> interval '50 ms'";
    assert_eq!(questions.number(gaps).await, 0, "ticks are missing");
    let jobs = "SELECT count(*) FROM sides.fang_tasks WHERE kind = 'work'";
    let fired = count(&mut questions).await;
    assert_eq!(questions.number(jobs).await, fired, "jobs without a tick, or ticks without a job");
    let distinct = "SELECT count(DISTINCT job_id) FROM sides.ticks WHERE schedule LIKE 'chaos%'";
    assert_eq!(questions.number(distinct).await, fired, "one job for two ticks");
    let early = "SELECT count(*) FROM sides.ticks WHERE fired_at < due_at - interval '2 s'";
    assert_eq!(questions.number(early).await, 0, "a machine with the wrong time fires early");
    let firers = "SELECT count(DISTINCT fired_by) FROM sides.ticks WHERE schedule LIKE 'chaos%'";
    assert!(questions.number(firers).await >= 3, "only some of the schedulers fired");
    eprintln!("{fired} ticks over {step} disturbances");
    cluster.stop().await;
}
