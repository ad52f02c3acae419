//! What tests of handlers stand on.

use std::panic::AssertUnwindSafe;

use diesel_async::AsyncConnection as _;
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sides_queue::{
    Context, JobError, Options, Registry, enqueue, enqueue_named, enqueue_with, testing as inline,
};
use testing::TestDatabase;

use crate::fixture::{Note, Notes, count, note};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Fail {
    how: String,
}

impl job::Job for Fail {
    const KIND: &'static str = "fail";
}

async fn fail(job: Fail, _: Context<Notes>) -> Result<(), JobError> {
    match job.how.as_str() {
        "panic" => panic!("out of cheese"),
        "discard" => Err(JobError::discard("makes no sense")),
        _ => Err(JobError::retry("no luck")),
    }
}

fn registry(notes: &Notes) -> Registry<Notes> {
    Registry::new(notes.clone()).handle::<Note, _>(note).handle::<Fail, _>(fail)
}

fn failing(how: &str) -> Fail {
    Fail { how: how.to_owned() }
}

#[tokio::test]
async fn one_handler_runs_without_a_database() {
    let notes = Notes::default();
    let ran = inline::run(&registry(&notes), &Note { number: 7 }).await.unwrap();
    assert_eq!((ran.kind.as_str(), ran.outcome, ran.error), ("note", "finished", None));
    assert_eq!(notes.in_order(), [7]);
    for (how, outcome, error) in [
        ("panic", "retried", "panicked: out of cheese"),
        ("discard", "discarded", "makes no sense"),
        ("error", "retried", "no luck"),
    ] {
        let ran = inline::run(&registry(&notes), &failing(how)).await.unwrap();
        assert_eq!((ran.outcome, ran.error.as_deref()), (outcome, Some(error)));
    }
    let unknown = inline::run(&Registry::new(()), &Note { number: 7 }).await.unwrap();
    assert_eq!(unknown.outcome, "parked");
    inline::run(&registry(&notes), &failing("\0")).await.unwrap_err();
}

#[tokio::test]
async fn what_is_due_is_worked_within_the_tests_own_transaction() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    c.begin_test_transaction().await.unwrap();
    let notes = Notes::default();
    for number in [1, 2] {
        enqueue(&mut c, &Note { number }).await.unwrap();
    }
    enqueue(&mut c, &failing("error")).await.unwrap();
    enqueue(&mut c, &failing("discard")).await.unwrap();
    let later = Options { at: Some(chrono::Utc::now() + chrono::TimeDelta::hours(1)), ..Options::default() };
    enqueue_with(&mut c, &Note { number: 9 }, &later).await.unwrap();
    enqueue_named(&mut c, "of_tomorrow", json!({}), &Options::default()).await.unwrap();
    sides_queue::limit(
        &mut c,
        sides_queue::Scope::Kind("note"),
        sides_queue::Limits { running: Some(1), ..Default::default() },
    )
    .await
    .unwrap();

    let ran = inline::drain(&mut c, &registry(&notes)).await.unwrap();
    let mut outcomes: Vec<_> = ran.iter().map(|ran| (ran.kind.as_str(), ran.outcome)).collect();
    outcomes.sort_unstable();
    let expected = [("fail", "discarded"), ("fail", "retried"), ("note", "finished"), ("note", "finished")];
    assert_eq!(outcomes, expected);
    assert_eq!(notes.sorted(), [1, 2]);
    assert_eq!(inline::drain(&mut c, &registry(&notes)).await.unwrap(), []);
    inline::assert_enqueued(&mut c, &Note { number: 9 }).await.unwrap();
    assert_eq!(inline::enqueued::<Fail>(&mut c).await.unwrap(), [failing("error")]);
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.job_history").await, 3);
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.runners").await, 0);
    drop(c);
    let mut c = database.connect().await;
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.job_history").await, 0);
}

#[tokio::test]
async fn what_is_not_enqueued_or_twice_fails_the_test_and_says_what_there_is() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    enqueue(&mut c, &Note { number: 1 }).await.unwrap();
    for (number, said) in [(2, "0 jobs like Note { number: 2 } wait"), (1, "2 jobs like Note { number: 1 }")]
    {
        let job = Note { number };
        let failed =
            AssertUnwindSafe(inline::assert_enqueued(&mut c, &job)).catch_unwind().await.unwrap_err();
        let text = failed.downcast_ref::<String>().unwrap();
        assert!(text.starts_with(said) && text.contains("number: 1"), "{text}");
        enqueue(&mut c, &Note { number: 1 }).await.unwrap();
    }
}
