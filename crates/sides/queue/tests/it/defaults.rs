//! Databases whose sessions begin otherwise than Postgres' own: jobs run, and no worker is taken for dead.

use std::time::Duration;

use sides_queue::{Registry, enqueue, enqueue_all};
use testing::{TestDatabase, wait_until};

use crate::fixture::{Note, Notes, config, count, note, start, text, wait_for_count};

const DONE: &str = "SELECT count(*) FROM sides.job_history WHERE outcome = 'finished'";
/// The sessions in which the runner is known to be alive, and listens.
const LIVE: &str = "SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

#[tokio::test(flavor = "multi_thread")]
async fn whatever_sessions_begin_with_by_default_jobs_run_once_and_sessions_stay() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let name = database.url().database();
    for setting in [
        "idle_session_timeout = '100ms'",
        "standard_conforming_strings = off",
        "default_transaction_isolation = serializable",
        "search_path = ''",
        "row_security = off",
        "statement_timeout = '20s'",
        "lock_timeout = '10s'",
        "idle_in_transaction_session_timeout = '20s'",
        "DateStyle = 'SQL, DMY'",
        "IntervalStyle = iso_8601",
        "TimeZone = 'Asia/Kathmandu'",
        "bytea_output = escape",
        "transform_null_equals = on",
    ] {
        let set = format!("ALTER DATABASE {name} SET {setting}");
        diesel_async::SimpleAsyncConnection::batch_execute(&mut c, &set).await.unwrap();
    }
    let mut c = database.connect().await;
    let notes = Notes::default();
    let running = start(&database, Registry::new(notes.clone()).handle::<Note, _>(note), config());
    let jobs: Vec<Note> = (0..200).map(|number| Note { number }).collect();
    enqueue_all(&mut c, &jobs).await.unwrap();
    wait_for_count(&mut c, DONE, 200).await;
    let held = "SELECT coalesce(string_agg(DISTINCT pid::text, ' ' ORDER BY pid::text), '') FROM pg_locks WHERE locktype = 'advisory'
                AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    wait_until("the runner holds its lock", Duration::from_secs(30), async || {
        count(&mut database.connect().await, LIVE).await > 0
    })
    .await;
    let before = text(&mut c, held).await;
    let impatient = database.url().with_setting("idle_session_timeout", "100ms");
    let impatient = database::client(&impatient).await.unwrap();
    wait_until("another session is ended", Duration::from_secs(30), async || impatient.is_closed()).await;
    assert_eq!(text(&mut c, held).await, before, "the runner's session is the same");
    enqueue(&mut c, &Note { number: 200 }).await.unwrap();
    wait_for_count(&mut c, DONE, 201).await;
    running.stop().await;
    assert_eq!(notes.sorted(), (0..=200).collect::<Vec<_>>());
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.job_attempts WHERE outcome = 'lost'").await, 0);
}
