//! Into the queue.

use diesel_async::AsyncConnection as _;
use serde_json::json;
use sides_queue::{
    EnqueueError, JobId, NamedJob, Options, enqueue, enqueue_all, enqueue_all_named, enqueue_all_unique,
    enqueue_named, enqueue_with,
};
use testing::TestDatabase;

use crate::fixture::{Note, count};

const ALL: &str = "SELECT count(*) FROM sides.fang_tasks";

#[tokio::test(flavor = "multi_thread")]
async fn a_job_exists_only_if_the_callers_transaction_commits() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let undone: Result<(), EnqueueError> = c
        .transaction(async |c| {
            enqueue(c, &Note { number: 1 }).await?;
            enqueue_all(c, &[Note { number: 2 }, Note { number: 3 }]).await?;
            Err(diesel::result::Error::RollbackTransaction.into())
        })
        .await;
    undone.unwrap_err();
    assert_eq!(count(&mut c, ALL).await, 0);
    c.transaction(async |c| enqueue(c, &Note { number: 1 }).await).await.unwrap();
    assert_eq!(count(&mut c, ALL).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_key_keeps_the_job_that_is_there() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let options = Options { unique_key: Some("nightly".to_owned()), ..Options::default() };
    let first = enqueue_with(&mut c, &Note { number: 1 }, &options).await.unwrap();
    let second = enqueue_with(&mut c, &Note { number: 2 }, &options).await.unwrap();
    assert_eq!(first, second);
    let other = enqueue_named(&mut c, "other", json!({}), &options).await.unwrap();
    assert_ne!(first, other);
    assert_eq!(
        count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE metadata ->> 'number' = '1'").await,
        1
    );
    assert_eq!(count(&mut c, ALL).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_unique_jobs_leave_those_that_are_there() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let key = |note: &Note| format!("note {}", note.number);
    let notes = |numbers: std::ops::Range<u32>| numbers.map(|number| Note { number }).collect::<Vec<_>>();
    assert_eq!(enqueue_all_unique(&mut c, &notes(0..10), key).await.unwrap().len(), 10);
    assert_eq!(enqueue_all_unique(&mut c, &notes(5..12), key).await.unwrap().len(), 2);
    assert_eq!(count(&mut c, ALL).await, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_stored_is_refused_before_the_database_sees_it() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let options = Options::default();
    for (kind, arguments, expected) in [
        ("", json!({}), "1 to 200 characters"),
        ("mail", json!({"to": "a\0b"}), "`to` holds the character U+0000"),
        ("mail", json!({"body": "x".repeat(2 << 20)}), "at most 1048576 may be queued"),
    ] {
        // The transaction stays usable: nothing was sent.
        let error = c
            .transaction(async |c| {
                let error = enqueue_named(c, kind, arguments, &options).await.unwrap_err().to_string();
                enqueue(c, &Note { number: 1 }).await?;
                Ok::<_, EnqueueError>(error)
            })
            .await
            .unwrap();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(count(&mut c, ALL).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn named_jobs_of_many_kinds_keep_their_order_and_those_that_are_there() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let job = |kind: &str, key: Option<&str>, priority| NamedJob {
        id: JobId::generate(),
        kind: kind.to_owned(),
        arguments: json!({ "kind": kind }),
        version: 2,
        options: Options { unique_key: key.map(str::to_owned), priority, ..Options::default() },
    };
    let options = Options { unique_key: Some("nightly".to_owned()), ..Options::default() };
    let there = enqueue_named(&mut c, "report", json!({}), &options).await.unwrap();
    let jobs = [
        job("mail", None, Some(7)),
        job("report", Some("nightly"), None),
        job("mail", None, None),
        job("sweep", Some("nightly"), None),
        job("sweep", Some("nightly"), None),
    ];
    let ids = enqueue_all_named(&mut c, &jobs).await.unwrap();
    assert_eq!([ids[0], ids[1]], [Some(jobs[0].id), Some(there)]);
    assert_eq!(ids[3], ids[4]);
    assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), 4);
    assert_eq!(count(&mut c, ALL).await, 4);
    let first = format!(
        "SELECT count(*) FROM sides.fang_tasks WHERE id = '{}' AND priority = 7 AND version = 2",
        ids[0].unwrap()
    );
    assert_eq!(count(&mut c, &first).await, 1);
    let wrong = [job("mail", None, None), job("", None, None)];
    assert!(matches!(enqueue_all_named(&mut c, &wrong).await, Err(EnqueueError::Kind(_))));
    assert_eq!(count(&mut c, ALL).await, 4, "all or none");
}
