//! Jobs run.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use sides_queue::{
    Context, JobError, Options, Registry, RunnerConfig, enqueue, enqueue_all, enqueue_named, enqueue_with,
};
use testing::TestDatabase;
use tokio::sync::Barrier;

use crate::{
    crashing::{Gate, gated},
    fixture::{Note, Notes, config, count, execute, note, start, wait_for_count, wait_until},
};

const DONE: &str = "SELECT count(*) FROM sides.job_history WHERE outcome = 'finished'";

#[tokio::test(flavor = "multi_thread")]
async fn every_job_runs_once_and_moves_to_the_history() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let jobs: Vec<Note> = (0..500).map(|number| Note { number }).collect();
    enqueue_all(&mut c, &jobs).await.unwrap();
    let notes = Notes::default();
    let running = start(&database, Registry::new(notes.clone()).handle::<Note, _>(note), config());
    wait_for_count(&mut c, DONE, 500).await;
    enqueue(&mut c, &Note { number: 500 }).await.unwrap();
    wait_for_count(&mut c, DONE, 501).await;
    running.stop().await;
    assert_eq!(notes.sorted(), (0..=500).collect::<Vec<_>>());
    wait_for_count(&mut c, "SELECT count(*) FROM sides.fang_tasks", 0).await;
    wait_for_count(&mut c, "SELECT count(*) FROM sides.runners", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_more_urgent_or_due_earlier_runs_first_and_nothing_before_its_time() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    for (number, priority, minutes) in
        [(5, 1, -9), (3, 0, -1), (1, -1, -2), (2, 0, -2), (4, 0, -1), (6, -9, 60)]
    {
        let at = Some(chrono::Utc::now() + chrono::TimeDelta::minutes(minutes));
        let options = Options { at, priority: Some(priority), ..Options::default() };
        enqueue_with(&mut c, &Note { number }, &options).await.unwrap();
    }
    let notes = Notes::default();
    let settings = RunnerConfig { concurrency: 1, ..config() };
    let running = start(&database, Registry::new(notes.clone()).handle::<Note, _>(note), settings);
    wait_for_count(&mut c, DONE, 5).await;
    running.stop().await;
    assert_eq!(notes.in_order(), [1, 2, 3, 4, 5]);
    wait_for_count(&mut c, "SELECT count(*) FROM sides.fang_tasks", 1).await;
}

/// While outcomes cannot be written few jobs are claimed; once they can be, claims go on without waiting for a poll.
#[tokio::test(flavor = "multi_thread")]
async fn jobs_go_on_as_soon_as_outcomes_that_had_to_wait_are_written() {
    let database = TestDatabase::create().await;
    let (mut c, mut blocker) = (database.connect().await, database.connect().await);
    let notes = Notes::default();
    let rarely = Duration::from_secs(300);
    let settings =
        RunnerConfig { concurrency: 2, prefetch: 2, poll: rarely, lease: rarely, ..RunnerConfig::default() };
    let running = start(&database, Registry::new(notes.clone()).handle::<Note, _>(note), settings);
    enqueue(&mut c, &Note { number: 0 }).await.unwrap();
    wait_for_count(&mut c, DONE, 1).await;
    execute(&mut blocker, "BEGIN").await;
    execute(&mut blocker, "LOCK TABLE sides.job_history IN SHARE MODE").await;
    enqueue_all(&mut c, &(1..=100).map(|number| Note { number }).collect::<Vec<_>>()).await.unwrap();
    // Two slots, and three times what may be ahead.
    wait_until("no more are claimed", || notes.sorted().len() == 1 + 2 + 3 * 2).await;
    execute(&mut blocker, "COMMIT").await;
    wait_for_count(&mut c, DONE, 101).await;
    running.stop().await;
    assert_eq!(notes.sorted(), (0..=100).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_gives_back_what_was_claimed_ahead_and_finishes_what_runs() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let gate = Gate::closed();
    let running = start(&database, gated(&gate), RunnerConfig { concurrency: 1, ..config() });
    // As if they had been fast so far: many are claimed ahead.
    gate.open.add_permits(2000);
    enqueue_all(&mut c, &(0..4000).map(|number| Note { number }).collect::<Vec<_>>()).await.unwrap();
    wait_until("the gate is closed in the middle", || gate.notes.sorted().len() == 2001).await;
    running.drain.cancel();
    // One runs still, and is let finish.
    wait_for_count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE state = 'in_progress'", 1).await;
    gate.open.add_permits(1);
    running.stop().await;
    assert_eq!(count(&mut c, DONE).await, 2001);
    let untouched =
        "SELECT count(*) FROM sides.fang_tasks WHERE state = 'new' AND attempt = 0 AND owner IS NULL";
    assert_eq!(count(&mut c, untouched).await, 1999);
    // Each that was given back has left a row, so that a receipt can count them.
    let claimed_ahead = "SELECT count(DISTINCT job_id) FROM sides.job_attempts \
        WHERE outcome = 'released' AND attempt = 1 AND duration_us IS NULL";
    let noted = count(&mut c, "SELECT count(*) FROM sides.job_attempts").await;
    assert!(noted > 0, "nothing was claimed ahead");
    assert_eq!(count(&mut c, claimed_ahead).await, noted);
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.runners").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_kind_waits_and_is_shown_as_waiting() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    enqueue_named(&mut c, "of_tomorrow", json!({"a": 1}), &Options::default()).await.unwrap();
    enqueue(&mut c, &Note { number: 1 }).await.unwrap();
    let running = start(&database, Registry::new(Notes::default()).handle::<Note, _>(note), config());
    wait_for_count(&mut c, DONE, 1).await;
    let overview = sides_queue::overview(&mut c).await.unwrap();
    running.stop().await;
    assert_eq!(overview.len(), 1);
    assert_eq!((overview[0].kind.as_str(), overview[0].ready), ("of_tomorrow", 1));
    assert!(overview[0].waits_for_build && overview[0].oldest_ready_seconds.is_some());
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Meet {}

impl job::Job for Meet {
    const KIND: &'static str = "meet";
}

async fn meet(_: Meet, context: Context<Arc<Barrier>>) -> Result<(), JobError> {
    context.state.wait().await;
    Ok(())
}

/// Each of them waits until all have begun.
#[tokio::test(flavor = "multi_thread")]
async fn as_many_jobs_wait_at_a_time_as_there_are_slots() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    enqueue_all(&mut c, &vec![Meet {}; 300]).await.unwrap();
    let registry = Registry::new(Arc::new(Barrier::new(100))).handle::<Meet, _>(meet);
    let running = start(&database, registry, RunnerConfig { concurrency: 100, ..config() });
    wait_for_count(&mut c, DONE, 300).await;
    running.stop().await;
}
