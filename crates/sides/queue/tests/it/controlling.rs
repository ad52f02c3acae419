//! Pause, limit, cancel, retry.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sides_queue::{
    Cancelled, Context, JobError, Limits, Options, Registry, RunnerConfig, Scope, enqueue, enqueue_all,
    enqueue_with,
};
use testing::TestDatabase;

use crate::{
    crashing::{Gate, gated},
    fixture::{Note, Notes, config, count, execute, note, start, text, wait_for_count, wait_until},
};

const DONE: &str = "SELECT count(*) FROM sides.job_history WHERE outcome = 'finished'";
const RUNS: &str = "SELECT count(*) FROM sides.fang_tasks WHERE state = 'in_progress'";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paused_waits_until_it_is_resumed() {
    for scope in [Scope::Queue("default"), Scope::Kind("note")] {
        let database = TestDatabase::create().await;
        let mut c = database.connect().await;
        let notes = Notes::default();
        let running = start(&database, Registry::new(notes.clone()).handle::<Note, _>(note), config());
        enqueue(&mut c, &Note { number: 1 }).await.unwrap();
        wait_for_count(&mut c, DONE, 1).await;
        sides_queue::pause(&mut c, scope).await.unwrap();
        enqueue(&mut c, &Note { number: 2 }).await.unwrap();
        let elsewhere = Options { queue: Some("elsewhere".to_owned()), ..Options::default() };
        sides_queue::enqueue_named(&mut c, "other", serde_json::json!({}), &elsewhere).await.unwrap();
        // A runner that comes later looks several times.
        let late = start(&database, Registry::new(notes.clone()).handle::<Note, _>(note), config());
        wait_for_count(&mut c, "SELECT count(*) FROM sides.runners", 2).await;
        late.stop().await;
        assert_eq!(notes.sorted(), [1]);
        sides_queue::resume(&mut c, scope).await.unwrap();
        wait_for_count(&mut c, DONE, 2).await;
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_takes_back_what_was_claimed_ahead() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let gate = Gate::closed();
    let settings = RunnerConfig { concurrency: 1, ..config() };
    let running = start(&database, gated(&gate), settings);
    // As if they had been fast so far: many are claimed ahead.
    gate.open.add_permits(2000);
    enqueue_all(&mut c, &(0..4000).map(|number| Note { number }).collect::<Vec<_>>()).await.unwrap();
    wait_until("the gate is closed in the middle", || gate.notes.sorted().len() == 2001).await;
    sides_queue::pause(&mut c, Scope::Kind("note")).await.unwrap();
    wait_for_count(&mut c, RUNS, 1).await;
    gate.open.add_permits(1);
    wait_for_count(&mut c, DONE, 2001).await;
    running.stop().await;
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE attempt = 0").await, 1999);
}

/// How many run at the same time, and how many did at most.
#[derive(Clone, Default)]
struct Crowd {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

async fn crowd(_: Note, context: Context<Crowd>) -> Result<(), JobError> {
    let now = context.state.now.fetch_add(1, Ordering::SeqCst) + 1;
    context.state.most.fetch_max(now, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(3)).await;
    context.state.now.fetch_sub(1, Ordering::SeqCst);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_run_at_a_time_than_the_limit_over_all_runners() {
    for scope in [Scope::Queue("default"), Scope::Kind("note")] {
        let database = TestDatabase::create().await;
        let mut c = database.connect().await;
        let limits = Limits { running: Some(3), ..Limits::default() };
        sides_queue::limit(&mut c, scope, limits).await.unwrap();
        enqueue_all(&mut c, &(0..60).map(|number| Note { number }).collect::<Vec<_>>()).await.unwrap();
        let state = Crowd::default();
        let start = || start(&database, Registry::new(state.clone()).handle::<Note, _>(crowd), config());
        let runners = [start(), start()];
        wait_for_count(&mut c, DONE, 60).await;
        for running in runners {
            running.stop().await;
        }
        assert_eq!(state.most.load(Ordering::SeqCst), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_with_the_same_key_share_a_limit() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let limits = Limits { running_per_key: Some(2), ..Limits::default() };
    sides_queue::limit(&mut c, Scope::Kind("note"), limits).await.unwrap();
    for key in ["a", "a", "a", "a", "b", "b", "b"] {
        let options = Options { limit_key: Some(key.to_owned()), ..Options::default() };
        enqueue_with(&mut c, &Note { number: 1 }, &options).await.unwrap();
    }
    let gate = Gate::closed();
    let running = start(&database, gated(&gate), config());
    wait_for_count(&mut c, RUNS, 4).await;
    let keys = "SELECT string_agg(limit_key, '' ORDER BY limit_key) FROM sides.fang_tasks \
        WHERE state = 'in_progress'";
    assert_eq!(text(&mut c, keys).await, "aabb");
    gate.open.add_permits(7);
    wait_for_count(&mut c, DONE, 7).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_start_in_a_time_than_the_rate() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let limits = Limits { starts: Some((5, Duration::from_secs(3600))), ..Limits::default() };
    sides_queue::limit(&mut c, Scope::Kind("note"), limits).await.unwrap();
    enqueue_all(&mut c, &(0..20).map(|number| Note { number }).collect::<Vec<_>>()).await.unwrap();
    let notes = Notes::default();
    let running = start(&database, Registry::new(notes.clone()).handle::<Note, _>(note), config());
    wait_for_count(&mut c, DONE, 5).await;
    // As much time as two starts take.
    execute(&mut c, "UPDATE sides.job_rules SET refilled_at = refilled_at - interval '1440 seconds'").await;
    wait_for_count(&mut c, DONE, 7).await;
    sides_queue::limit(&mut c, Scope::Kind("note"), Limits::default()).await.unwrap();
    wait_for_count(&mut c, DONE, 20).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_wherever_it_is() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let waiting = enqueue(&mut c, &Note { number: 1 }).await.unwrap();
    assert_eq!(sides_queue::cancel(&mut c, waiting, "no need").await.unwrap(), Cancelled::Over);
    assert_eq!(sides_queue::cancel(&mut c, waiting, "no need").await.unwrap(), Cancelled::Gone);
    let runs = enqueue(&mut c, &Note { number: 2 }).await.unwrap();
    let gate = Gate::closed();
    let settings = RunnerConfig { grace: Duration::from_millis(50), ..config() };
    let running = start(&database, gated(&gate), settings);
    wait_until("it runs", || gate.notes.sorted() == [2]).await;
    assert_eq!(sides_queue::cancel(&mut c, runs, "no longer").await.unwrap(), Cancelled::Told);
    wait_for_count(&mut c, "SELECT count(*) FROM sides.job_history WHERE outcome = 'cancelled'", 2).await;
    running.stop().await;
    let reasons = "SELECT string_agg(error, ', ' ORDER BY finished_at) FROM sides.job_history";
    assert_eq!(text(&mut c, reasons).await, "no need, no longer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_given_up_can_be_tried_again() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let id = enqueue(&mut c, &Note { number: 1 }).await.unwrap();
    assert!(!sides_queue::retry(&mut c, id).await.unwrap(), "it waits anyway");
    execute(&mut c, "UPDATE sides.fang_tasks SET state = 'failed', crashes = 3, attempt = 20").await;
    assert!(sides_queue::retry(&mut c, id).await.unwrap());
    let running = start(&database, Registry::new(Notes::default()).handle::<Note, _>(note), config());
    wait_for_count(&mut c, DONE, 1).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_are_cancelled_or_run_again_in_one_statement_by_a_library_too() {
    use sides_queue::{Change, Which};
    // With the queue alone: nothing of the chassis' journal is needed.
    let database = TestDatabase::empty().await;
    sides_queue::migrate(database.url()).await.unwrap();
    let mut c = database.connect().await;
    enqueue_all(&mut c, &(0..50).map(|number| Note { number }).collect::<Vec<_>>()).await.unwrap();
    sides_queue::enqueue_named(&mut c, "other", serde_json::json!({}), &Options::default()).await.unwrap();
    execute(
        &mut c,
        "UPDATE sides.fang_tasks SET state = 'failed', attempt = 3 WHERE metadata @> '{\"number\": 7}'",
    )
    .await;
    let notes = Which::All { kind: Some("note"), queue: None };
    assert_eq!(Change::Retry.apply(&mut c, notes, "ada", "mended").await.unwrap().len(), 1);
    assert_eq!(Change::Cancel.apply(&mut c, notes, "ada", "nobody wants them").await.unwrap().len(), 50);
    let reasons =
        "SELECT count(*) FROM sides.job_history WHERE outcome = 'cancelled' AND error = 'nobody wants them'";
    assert_eq!(count(&mut c, reasons).await, 50);
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE kind = 'other'").await, 1);
}
