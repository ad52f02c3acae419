//! Workers in other languages, with a session that they hold.

use std::time::{Duration, Instant};

use database::Connection;
use nix::sys::signal::Signal;
use testing::{Cable, TestDatabase, wait_until};

use super::{LONG, LOST, PATIENCE, SEEN, SOON, TIME_TO_MISS, Worker, enqueue, missed, now};
use crate::fixture::{count, text, wait_for_count};

/// In another language: a session that it holds, and a claim for so long.
async fn hold_and_claim(c: &mut Connection, worker: &str, lease: &str) {
    let hold = format!("SELECT sides.hold('{worker}', '{lease}')::int::bigint AS count");
    assert_eq!(count(c, &hold).await, 1);
    let claim = format!("SELECT count(*) FROM sides.claim('{worker}', '{{chaos}}', 1, '{lease}')");
    assert_eq!(count(c, &claim).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_in_another_language_is_missed_when_its_session_ends() {
    let database = TestDatabase::create().await;
    let (mut c, folder) = (database.connect().await, tempfile::tempdir().unwrap());
    enqueue(&mut c, 1, 60_000).await;
    let cable = Cable::to(database.url()).await;
    let mut session = database::connect(cable.url()).await.unwrap();
    hold_and_claim(&mut session, "aaaaaaaa-0000-0000-0000-000000000000", "30 seconds").await;
    let rust = Worker::start(database.url(), &folder, "rust", LONG);
    wait_for_count(&mut c, SEEN, 2).await;
    tokio::time::sleep(TIME_TO_MISS).await;
    assert_eq!(rust.wrote("start").len(), 0);
    let killed = now();
    drop(session);
    cable.cut();
    assert!(missed(killed, &rust, 1).await < SOON);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_in_another_language_that_is_cut_off_keeps_its_lease() {
    let database = TestDatabase::create().await;
    let (mut c, folder) = (database.connect().await, tempfile::tempdir().unwrap());
    enqueue(&mut c, 1, 60_000).await;
    let cable = Cable::to(database.url()).await;
    let mut session = database::connect(cable.url()).await.unwrap();
    let begun = now();
    hold_and_claim(&mut session, "aaaaaaaa-0000-0000-0000-000000000000", "6 seconds").await;
    cable.hold();
    let rust = Worker::start(database.url(), &folder, "rust", LONG);
    assert!(rust.has_started(1).await - begun >= Duration::from_secs(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_session_and_extends_its_lease_lives() {
    let database = TestDatabase::create().await;
    let (mut c, folder) = (database.connect().await, tempfile::tempdir().unwrap());
    enqueue(&mut c, 1, 60_000).await;
    let worker = "aaaaaaaa-0000-0000-0000-000000000000";
    let mut session = database.connect().await;
    hold_and_claim(&mut session, worker, "30 seconds").await;
    let rust = Worker::start(database.url(), &folder, "rust", LONG);
    wait_for_count(&mut c, SEEN, 2).await;
    drop(session);
    let begun = Instant::now();
    while begun.elapsed() < TIME_TO_MISS {
        let extend = format!("SELECT count(*) FROM sides.extend('{worker}')");
        assert_eq!(count(&mut c, &extend).await, 1);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(rust.wrote("start").len(), 0);
    // And one that holds it again is missed again.
    let mut session = database.connect().await;
    let hold = format!("SELECT sides.hold('{worker}')::int::bigint AS count");
    assert_eq!(count(&mut session, &hold).await, 1);
    drop(session);
    assert!(missed(now(), &rust, 1).await < SOON);
}

/// Without any worker of ours.
#[tokio::test(flavor = "multi_thread")]
async fn workers_in_other_languages_miss_each_other() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    enqueue(&mut c, 1, 60_000).await;
    let names = ["aaaaaaaa", "bbbbbbbb"].map(|name| format!("{name}-0000-0000-0000-000000000000"));
    let (mut first, mut second) = (database.connect().await, database.connect().await);
    hold_and_claim(&mut first, &names[0], "30 seconds").await;
    let hold = format!("SELECT sides.hold('{}')::int::bigint AS count", names[1]);
    assert_eq!(count(&mut second, &hold).await, 1);
    let claim = format!("SELECT count(*) FROM sides.claim('{}', '{{chaos}}')", names[1]);
    let begun = Instant::now();
    while begun.elapsed() < TIME_TO_MISS {
        assert_eq!(count(&mut second, &claim).await, 0);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(first);
    let killed = Instant::now();
    wait_until("the other has its job", PATIENCE, async || count(&mut second, &claim).await == 1).await;
    println!("taken after {} ms", killed.elapsed().as_millis());
    assert!(killed.elapsed() < SOON);
    assert_eq!(count(&mut c, LOST).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_of_the_document_is_missed_when_it_is_killed() {
    let stranger = crate::stranger::Stranger::new().await;
    let mut c = stranger.database.connect().await;
    stranger.ask("SELECT sides.enqueue('send_report', '{}')");
    let mut first = stranger.worker("exec sleep 60");
    let running = "SELECT count(*) FROM sides.fang_tasks WHERE state = 'in_progress'";
    wait_for_count(&mut c, running, 1).await;
    let second = stranger.worker("exec sleep 60");
    wait_for_count(&mut c, SEEN, 2).await;
    let owner = text(&mut c, "SELECT owner::text FROM sides.fang_tasks").await;
    first.signal(Signal::SIGKILL);
    first.ended().await;
    let killed = Instant::now();
    let other = format!("SELECT count(*) FROM sides.fang_tasks WHERE owner <> '{owner}'");
    wait_until(&second.output(), PATIENCE, async || count(&mut c, &other).await == 1).await;
    println!("taken after {} ms", killed.elapsed().as_millis());
    assert!(killed.elapsed() < SOON);
}
