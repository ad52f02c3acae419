//! What becomes of attempts that do not succeed.

use std::time::Duration;

use job::{Backoff, Policy};
use serde::{Deserialize, Serialize};
use sides_queue::{Context, JobError, Registry, RunnerConfig, enqueue};
use testing::TestDatabase;

use crate::fixture::{Notes, Running, config, count, start, start_with, text, wait_for_count, wait_until};

/// Does as it is told.
#[derive(Debug, Serialize, Deserialize)]
struct Act {
    how: String,
}

impl job::Job for Act {
    const KIND: &'static str = "act";
    const POLICY: Policy = Policy {
        max_attempts: 3,
        timeout: Duration::from_millis(300),
        backoff: Backoff { base: Duration::from_millis(20), ceiling: Duration::from_millis(40) },
        ..Policy::DEFAULT
    };
}

async fn act(job: Act, context: Context<Notes>) -> Result<(), JobError> {
    context.state.add(u32::from(context.attempt));
    match job.how.as_str() {
        "fail" => Err(JobError::retry("no luck\0")),
        "fail once" if context.attempt == 1 => Err(JobError::retry("no luck")),
        "discard" => Err(JobError::discard("makes no sense")),
        "cancel" => Err(JobError::cancel("nobody wants it")),
        "snooze" if context.state.in_order().len() == 1 => Err(JobError::snooze(Duration::from_millis(50))),
        "panic" => panic!("out of cheese"),
        "hear" => {
            context.cancelled().await;
            Ok(())
        }
        "hang" => std::future::pending().await,
        "block" => {
            std::thread::sleep(Duration::from_secs(4));
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn run(how: &str, settings: RunnerConfig) -> (TestDatabase, database::Connection, Notes, Running) {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    enqueue(&mut c, &Act { how: how.to_owned() }).await.unwrap();
    let notes = Notes::default();
    let registry = Registry::new(notes.clone()).handle::<Act, _>(act);
    let running = start(&database, registry, settings);
    (database, c, notes, running)
}

fn quick() -> RunnerConfig {
    RunnerConfig { poll: Duration::from_millis(20), grace: Duration::from_millis(200), ..config() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_is_tried_again_until_its_attempts_are_used_up() {
    let (_database, mut c, notes, running) = run("fail", quick()).await;
    wait_for_count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE state = 'failed'", 1).await;
    running.stop().await;
    assert_eq!(notes.in_order(), [1, 2, 3]);
    let errors = "SELECT string_agg(attempt || ' ' || outcome || ': ' || error, ', ' ORDER BY attempt) \
        FROM sides.job_attempts";
    let expected = "1 retried: no luck\u{fffd}, 2 retried: no luck\u{fffd}, 3 failed: no luck\u{fffd}";
    assert_eq!(text(&mut c, errors).await, expected);
    assert_eq!(count(&mut c, "SELECT retries::bigint AS count FROM sides.fang_tasks").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_may_end_itself() {
    for (how, outcome) in [("discard", "discarded: makes no sense"), ("cancel", "cancelled: nobody wants it")]
    {
        let (_database, mut c, notes, running) = run(how, quick()).await;
        wait_for_count(&mut c, "SELECT count(*) FROM sides.job_history", 1).await;
        running.stop().await;
        assert_eq!(text(&mut c, "SELECT outcome || ': ' || error FROM sides.job_history").await, outcome);
        assert_eq!(notes.in_order(), [1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snooze_does_not_count() {
    let (_database, mut c, notes, running) = run("snooze", quick()).await;
    wait_for_count(&mut c, "SELECT count(*) FROM sides.job_history WHERE outcome = 'finished'", 1).await;
    running.stop().await;
    assert_eq!(notes.in_order(), [1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_takes_too_long_is_told_then_dropped_then_left_behind() {
    for (how, error) in [
        ("hang", "took longer than 300ms"),
        ("block", "took longer than 300ms, and blocks its thread: it could not be stopped"),
        ("panic", "panicked: out of cheese"),
    ] {
        let (_database, mut c, _, running) = run(how, quick()).await;
        let first = "SELECT count(*) FROM sides.job_attempts WHERE attempt = 1";
        wait_for_count(&mut c, first, 1).await;
        let said = "SELECT error FROM sides.job_attempts WHERE attempt = 1";
        assert_eq!(text(&mut c, said).await, error);
        running.stop().await;
    }
    let (_database, mut c, _, running) = run("hear", quick()).await;
    wait_for_count(&mut c, "SELECT count(*) FROM sides.job_history WHERE outcome = 'finished'", 1).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_that_block_every_thread_stop_nobody_else() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    for _ in 0..8 {
        enqueue(&mut c, &Act { how: "block".to_owned() }).await.unwrap();
    }
    let registry = Registry::new(Notes::default()).handle::<Act, _>(act);
    let running = start(&database, registry, RunnerConfig { lease: Duration::from_secs(2), ..quick() });
    wait_for_count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE state = 'in_progress'", 8).await;
    for _ in 0..20 {
        enqueue(&mut c, &Act { how: "succeed".to_owned() }).await.unwrap();
    }
    let good = "SELECT count(*) FROM sides.job_history WHERE outcome = 'finished'";
    wait_for_count(&mut c, good, 20).await;
    running.stop().await;
    let lost = "SELECT count(*) FROM sides.job_attempts WHERE outcome = 'lost'";
    assert_eq!(count(&mut c, lost).await, 0, "the lease went on meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_outlasts_the_drain_goes_back_uncounted() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    enqueue(&mut c, &Act { how: "hang".to_owned() }).await.unwrap();
    let notes = Notes::default();
    let registry = Registry::new(notes.clone()).handle::<Act, _>(act);
    let running = start_with(&database, registry, quick(), Duration::ZERO);
    wait_until("it runs", || notes.in_order().len() == 1).await;
    running.stop().await;
    let standing = "SELECT state || ' ' || attempt || ' ' || retries FROM sides.fang_tasks";
    assert_eq!(text(&mut c, standing).await, "new 0 0");
}
