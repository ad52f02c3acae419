//! Unique keys: for how long, and what becomes of the second job.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use sides_queue::{OnConflict, Options, Registry, Unique, UniqueUntil, enqueue_with};
use testing::TestDatabase;

use crate::fixture::{Note, Notes, config, count, execute, note, start, text, wait_for_count};

fn keyed(unique: Unique) -> Options {
    Options { unique_key: Some("key".to_owned()), unique, ..Options::default() }
}

const NUMBERS: &str = "SELECT string_agg(metadata ->> 'number', ',') FROM sides.fang_tasks";

#[tokio::test(flavor = "multi_thread")]
async fn the_second_job_is_dropped_or_replaces_or_moves_the_first() {
    let later = Utc::now() + TimeDelta::hours(1);
    for (on_conflict, number, moved) in
        [(OnConflict::Keep, "1", false), (OnConflict::Replace, "2", true), (OnConflict::Move, "1", true)]
    {
        let database = TestDatabase::create().await;
        let mut c = database.connect().await;
        let options = keyed(Unique { on_conflict, ..Unique::default() });
        let first = enqueue_with(&mut c, &Note { number: 1 }, &options).await.unwrap();
        let options = Options { at: Some(later), ..options };
        let second = enqueue_with(&mut c, &Note { number: 2 }, &options).await.unwrap();
        assert_eq!(first, second);
        assert_eq!(text(&mut c, NUMBERS).await, number);
        let due = "SELECT count(*) FROM sides.fang_tasks WHERE scheduled_at > now()";
        assert_eq!(count(&mut c, due).await, i64::from(moved));
        // What runs is left as it is.
        execute(&mut c, "UPDATE sides.fang_tasks SET state = 'in_progress'").await;
        enqueue_with(&mut c, &Note { number: 3 }, &options).await.unwrap();
        assert_eq!(text(&mut c, NUMBERS).await, number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_free_when_its_job_starts_or_is_over_or_is_forgotten() {
    for (until, jobs) in [(UniqueUntil::Started, 2), (UniqueUntil::Over, 2), (UniqueUntil::Forgotten, 1)] {
        let database = TestDatabase::create().await;
        let mut c = database.connect().await;
        let options = keyed(Unique { until, ..Unique::default() });
        let first = enqueue_with(&mut c, &Note { number: 1 }, &options).await.unwrap();
        let again = enqueue_with(&mut c, &Note { number: 2 }, &options).await.unwrap();
        assert_eq!(first, again);
        let notes = Notes::default();
        let running = start(&database, Registry::new(notes.clone()).handle::<Note, _>(note), config());
        wait_for_count(&mut c, "SELECT count(*) FROM sides.job_history", 1).await;
        let last = enqueue_with(&mut c, &Note { number: 3 }, &options).await.unwrap();
        wait_for_count(&mut c, "SELECT count(*) FROM sides.job_history", jobs).await;
        running.stop().await;
        assert_eq!(last == first, until == UniqueUntil::Forgotten);
        assert_eq!(count(&mut c, "SELECT count(*) FROM sides.fang_tasks").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_holds_its_key_until_it_starts_runs_beside_the_next() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    for (until, jobs) in [(UniqueUntil::Over, 1), (UniqueUntil::Started, 2)] {
        execute(&mut c, "DELETE FROM sides.fang_tasks").await;
        let options = keyed(Unique { until, ..Unique::default() });
        enqueue_with(&mut c, &Note { number: 1 }, &options).await.unwrap();
        let gate = crate::crashing::Gate::closed();
        let running = start(&database, crate::crashing::gated(&gate), config());
        wait_for_count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE state = 'in_progress'", 1).await;
        enqueue_with(&mut c, &Note { number: 2 }, &options).await.unwrap();
        assert_eq!(count(&mut c, "SELECT count(*) FROM sides.fang_tasks").await, jobs);
        gate.open.add_permits(2);
        wait_for_count(&mut c, "SELECT count(*) FROM sides.fang_tasks", 0).await;
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_period_has_its_own_job() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let hourly = Unique { period: Some(Duration::from_secs(3600)), ..Unique::default() };
    let at = |minutes| Some(chrono::DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes));
    for (minutes, jobs) in [(0, 1), (59, 1), (60, 2), (119, 2), (120, 3)] {
        let options = Options { at: at(minutes), ..keyed(hourly.clone()) };
        enqueue_with(&mut c, &Note { number: 1 }, &options).await.unwrap();
        assert_eq!(count(&mut c, "SELECT count(*) FROM sides.fang_tasks").await, jobs, "minute {minutes}");
    }
}
