//! Workers that are killed: their jobs start elsewhere within seconds.

use database::Connection;
use testing::{Bouncer, TestDatabase};

use super::{LONG, LOST, SEEN, SOON, Worker, enqueue, missed};
use crate::fixture::{count, execute, text, wait_for_count};

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_of_a_killed_worker_start_elsewhere_within_seconds() {
    let database = TestDatabase::create().await;
    let (mut c, folder) = (database.connect().await, tempfile::tempdir().unwrap());
    let mut worker = Worker::start(database.url(), &folder, "worker-0", LONG);
    enqueue(&mut c, 8, 60_000).await;
    worker.has_started(8).await;
    for round in 1..=2 {
        let next = Worker::start(database.url(), &folder, &format!("worker-{round}"), LONG);
        wait_for_count(&mut c, SEEN, round + 1).await;
        let killed = worker.kill().await;
        assert!(missed(killed, &next, 8).await < SOON);
        worker = next;
        // As after a lease that ran out.
        let lost = "SELECT string_agg(DISTINCT crashes || ' ' || attempt || ' ' || error_message, ',') \
            FROM sides.fang_tasks";
        let expected = format!("1 {} the worker that ran this job died or lost its lease", round + 1);
        assert_eq!(text(&mut c, lost).await, expected);
        // What two workers died with would start one by one.
        execute(&mut c, "UPDATE sides.fang_tasks SET crashes = 0").await;
    }
    assert_eq!(count(&mut c, LOST).await, 16);
    assert_eq!(count(&mut c, "SELECT sum(presumed_dead)::bigint AS count FROM sides.runners").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_after_the_only_worker_finds_its_jobs() {
    let database = TestDatabase::create().await;
    let (mut c, folder) = (database.connect().await, tempfile::tempdir().unwrap());
    let mut first = Worker::start(database.url(), &folder, "first", LONG);
    wait_for_count(&mut c, SEEN, 1).await;
    enqueue(&mut c, 8, 60_000).await;
    first.has_started(8).await;
    let killed = first.kill().await;
    let second = Worker::start(database.url(), &folder, "second", LONG);
    assert!(missed(killed, &second, 8).await < SOON);
}

/// As a host does; here of a worker that shows no lock, so that nobody else would miss it for half a minute.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_saw_a_worker_end_says_so_and_is_believed_of_none_that_lives() {
    let database = TestDatabase::create().await;
    let (mut c, folder) = (database.connect().await, tempfile::tempdir().unwrap());
    let bouncer =
        Bouncer::before(database.url(), &["pool_mode = transaction", "ignore_startup_parameters = options"])
            .await;
    let mut pooled = Worker::start(bouncer.url(), &folder, "pooled", LONG);
    enqueue(&mut c, 8, 60_000).await;
    pooled.has_started(8).await;
    let direct = Worker::start(database.url(), &folder, "direct", LONG);
    wait_for_count(&mut c, SEEN, 1).await;
    // These workers name no instance of their own: both are of this one.
    let instance = "INSERT INTO sides.instances (id, process, release, host, pid, ops_address, state, started_at, heartbeat_at) \
        VALUES ('00000000-0000-0000-0000-000000000000', 'worker', 'r', 'here', 4711, '127.0.0.1:1', 'ready', now(), now())";
    execute(&mut c, instance).await;
    let note = async |c: &mut Connection, pid| schema::jobs::ended::note(c, "here", pid).await.unwrap();
    let nobody = note(&mut c, 4712).await;
    assert_eq!((nobody.leases, nobody.held), (0, 0));
    let killed = pooled.kill().await;
    let seen = note(&mut c, 4711).await;
    assert_eq!((seen.leases, seen.held), (1, 1));
    assert!(missed(killed, &direct, 8).await < SOON);
    // The one whose lock is there has lost nothing.
    let lost = "SELECT sum(presumed_dead)::bigint AS count FROM sides.runners WHERE lease_until > now()";
    assert_eq!(count(&mut c, lost).await, 0);
}
