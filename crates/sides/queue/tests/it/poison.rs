//! Rows that nothing can run, before rows that anything can.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use job::{Backoff, Policy};
use serde::{Deserialize, Serialize};
use sides_queue::{Context, JobError, Registry, RunnerConfig, enqueue_all, enqueue_all_with};
use testing::TestDatabase;

use crate::fixture::{Note, Notes, config, count, execute, note, start, wait_for_count};

/// Takes its worker's thread, its time or its patience.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Poison {
    how: String,
}

impl job::Job for Poison {
    const KIND: &'static str = "poison";
    const POLICY: Policy = Policy {
        max_attempts: 1,
        timeout: Duration::from_millis(100),
        backoff: Backoff { base: Duration::from_millis(1), ceiling: Duration::from_millis(1) },
        ..Policy::DEFAULT
    };
}

static OVER: AtomicBool = AtomicBool::new(false);

async fn poison(job: Poison, _: Context<Notes>) -> Result<(), JobError> {
    match job.how.as_str() {
        "panic" => panic!("out of cheese"),
        "yield" => loop {
            tokio::task::yield_now().await;
        },
        "sleep" => std::future::pending().await,
        // Longer than the test.
        "block" => loop {
            std::thread::sleep(Duration::from_secs(1));
        },
        // Until the test has seen enough: it burns a core that others need.
        "spin" => {
            while !OVER.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
            Ok(())
        }
        _ => Err(JobError::retry("no luck")),
    }
}

/// Of a shape that an upcaster panics over.
#[derive(Debug, Serialize, Deserialize)]
struct Old {}

impl job::Job for Old {
    const KIND: &'static str = "old";
    const VERSION: u16 = 2;

    fn upcast(_: u16, _: serde_json::Value) -> serde_json::Value {
        panic!("nobody knows this any more")
    }
}

async fn old(_: Old, _: Context<Notes>) -> Result<(), JobError> {
    Ok(())
}

/// As a client in another language could write them: 890 rows.
const ROWS: &str = "\
INSERT INTO sides.fang_tasks (metadata) SELECT jsonb_build_object('type', 'unknown ' || n) FROM generate_series(1, 300) n;
INSERT INTO sides.fang_tasks (metadata) SELECT '{}' FROM generate_series(1, 50);
INSERT INTO sides.fang_tasks (metadata) SELECT '[1, 2]' FROM generate_series(1, 50);
INSERT INTO sides.fang_tasks (metadata) SELECT 'null' FROM generate_series(1, 25);
INSERT INTO sides.fang_tasks (metadata) SELECT '{\"type\": 7}' FROM generate_series(1, 25);
INSERT INTO sides.fang_tasks (metadata) SELECT '{\"type\": \"note\"}' FROM generate_series(1, 100);
INSERT INTO sides.fang_tasks (metadata) SELECT '{\"type\": \"note\", \"number\": -1}' FROM generate_series(1, 100);
INSERT INTO sides.fang_tasks (metadata)
    SELECT jsonb_build_object('type', 'note', 'number', repeat('x', 10000000)) FROM generate_series(1, 5);
INSERT INTO sides.fang_tasks (metadata)
    SELECT ('{\"type\": \"note\", \"number\": ' || repeat('[', 5000) || repeat(']', 5000) || '}')::jsonb
    FROM generate_series(1, 35);
INSERT INTO sides.fang_tasks (metadata, version) SELECT '{\"type\": \"old\"}', 1 FROM generate_series(1, 100);
INSERT INTO sides.fang_tasks (metadata, version) SELECT '{\"type\": \"note\", \"number\": 1e999}', -1 FROM generate_series(1, 100)";

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_poisoned_jobs_before_a_thousand_good_ones_cost_no_slot() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    for rows in ROWS.split(';') {
        execute(&mut c, rows).await;
    }
    for (how, jobs) in [("panic", 60), ("error", 30), ("yield", 8), ("sleep", 8), ("block", 3), ("spin", 1)] {
        enqueue_all(&mut c, &vec![Poison { how: how.to_owned() }; jobs]).await.unwrap();
    }
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.fang_tasks").await, 1000);
    // Postgres itself refuses U+0000, whoever writes it.
    let nul =
        "INSERT INTO sides.fang_tasks (metadata) VALUES ('{\"type\": \"note\", \"number\": \"\\u0000\"}')";
    diesel_async::RunQueryDsl::execute(diesel::sql_query(nul), &mut c).await.unwrap_err();
    let last = sides_queue::Options { priority: Some(10), ..sides_queue::Options::default() };
    let good: Vec<Note> = (0..1000).map(|number| Note { number }).collect();
    enqueue_all_with(&mut c, &good, &last).await.unwrap();

    let notes = Notes::default();
    let registry = Registry::new(notes.clone())
        .handle::<Note, _>(note)
        .handle::<Poison, _>(poison)
        .handle::<Old, _>(old);
    let settings = RunnerConfig { grace: Duration::from_millis(100), ..config() };
    let running = start(&database, registry, settings);
    wait_for_count(&mut c, "SELECT count(*) FROM sides.job_history WHERE outcome = 'finished'", 1000).await;
    assert_eq!(notes.sorted(), (0..1000).collect::<Vec<_>>());
    wait_for_count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE state = 'failed'", 110).await;
    OVER.store(true, Ordering::Relaxed);
    // What nobody knows waits; what nobody can read is set aside, with its attempt given back.
    let unknown = "SELECT count(*) FROM sides.fang_tasks WHERE state = 'new' AND parked_by IS NULL";
    assert_eq!(count(&mut c, unknown).await, 450);
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE parked_by IS NOT NULL").await, 440);
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.job_attempts WHERE outcome = 'lost'").await, 0);
    running.stop().await;
}
