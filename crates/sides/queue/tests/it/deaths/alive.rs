//! Workers that only stand still, are cut off, or lose their sessions: their leases decide.

use std::time::{Duration, Instant};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use testing::{Bouncer, Cable, TestDatabase, wait_until};

use super::{FINISHED, LONG, LOST, PATIENCE, REST, SEEN, SHORT, TIME_TO_MISS, Worker, enqueue, now};
use crate::chaos::place::Server;
use crate::fixture::{count, execute, text, wait_for_count};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stands_still_keeps_its_lease() {
    let database = TestDatabase::create().await;
    let (mut c, folder) = (database.connect().await, tempfile::tempdir().unwrap());
    let first = Worker::start(database.url(), &folder, "first", SHORT);
    enqueue(&mut c, 1, 60_000).await;
    first.has_started(1).await;
    let second = Worker::start(database.url(), &folder, "second", SHORT);
    wait_for_count(&mut c, SEEN, 2).await;
    let stopped = now();
    kill(first.pid(), Signal::SIGSTOP).unwrap();
    let waited = second.has_started(1).await - stopped;
    kill(first.pid(), Signal::SIGCONT).unwrap();
    assert!(waited >= REST, "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_cut_off_without_a_word_keeps_its_lease() {
    let database = TestDatabase::create().await;
    let (mut c, folder) = (database.connect().await, tempfile::tempdir().unwrap());
    let cable = Cable::to(database.url()).await;
    let first = Worker::start(cable.url(), &folder, "first", SHORT);
    enqueue(&mut c, 1, 60_000).await;
    first.has_started(1).await;
    let second = Worker::start(database.url(), &folder, "second", SHORT);
    wait_for_count(&mut c, SEEN, 2).await;
    let cut_off = now();
    cable.hold();
    let waited = second.has_started(1).await - cut_off;
    assert!(waited >= REST, "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_the_server_ends_cost_no_job() {
    let database = TestDatabase::create().await;
    let (mut c, folder) = (database.connect().await, tempfile::tempdir().unwrap());
    let first = Worker::start(database.url(), &folder, "first", LONG);
    enqueue(&mut c, 8, 9_000).await;
    first.has_started(8).await;
    let second = Worker::start(database.url(), &folder, "second", LONG);
    wait_for_count(&mut c, SEEN, 2).await;
    let begun = Instant::now();
    let mut ended = 0;
    while begun.elapsed() < Duration::from_secs(7) {
        let end =
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'first'";
        ended += count(&mut c, end).await;
        // It listens again, and so holds its lock.
        let back = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'first' AND query LIKE '%pg_try_advisory_lock_shared%'";
        wait_for_count(&mut c, back, 1).await;
    }
    wait_for_count(&mut c, FINISHED, 8).await;
    println!("{ended} sessions were ended");
    assert!(ended >= 8, "each of its four sessions twice at least");
    assert_eq!((first.wrote("start").len(), second.wrote("start").len()), (8, 0));
    assert_eq!(count(&mut c, LOST).await, 0);
    assert_eq!(count(&mut c, "SELECT sum(presumed_dead)::bigint AS count FROM sides.runners").await, 0);
}

/// Worse than a server that restarts: one of the workers stands still meanwhile, and is late to show that it lives.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_or_crashes_knows_of_no_death() {
    let (mut server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    for (round, how) in ["restart", "crash"].into_iter().enumerate() {
        let mut c = database::connect(&server.url).await.unwrap();
        execute(&mut c, "TRUNCATE sides.runners, sides.runner_sessions, sides.job_history").await;
        let first = Worker::start(&server.url, &folder, &format!("first-{how}"), LONG);
        enqueue(&mut c, 8, 6_000).await;
        first.has_started(8).await;
        let second = Worker::start(&server.url, &folder, &format!("second-{how}"), LONG);
        wait_for_count(&mut c, SEEN, 2).await;
        kill(first.pid(), Signal::SIGSTOP).unwrap();
        if round == 0 {
            drop(c);
            server.restart(Signal::SIGINT).await;
        } else {
            // The server lives, and none of its sessions.
            let pid: i32 = text(&mut c, "SELECT pg_backend_pid()::text").await.parse().unwrap();
            kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        }
        let c = tokio::sync::Mutex::new(None);
        wait_until("the server is back", PATIENCE, async || {
            let mut c = c.lock().await;
            *c = database::connect(&server.url).await.ok();
            c.is_some()
        })
        .await;
        let mut c = c.into_inner().unwrap();
        let again = "SELECT count(*) FROM sides.runner_sessions \
            WHERE server_started_at = pg_postmaster_start_time() AND seen_at > now() - interval '2 seconds'";
        wait_for_count(&mut c, again, 1).await;
        tokio::time::sleep(TIME_TO_MISS).await;
        assert_eq!(second.wrote("start").len(), 0, "{how}");
        kill(first.pid(), Signal::SIGCONT).unwrap();
        wait_for_count(&mut c, FINISHED, 8).await;
        assert_eq!((first.wrote("start").len(), second.wrote("start").len()), (8, 0), "{how}");
        let lost = "SELECT coalesce(string_agg(concat_ws(' ', job_attempts, presumed_dead, lease_until), E'\n'), '') \
            FROM sides.job_attempts LEFT JOIN sides.runners ON runners.id = owner WHERE outcome = 'lost'";
        let lost = text(&mut c, lost).await;
        assert_eq!(lost, "", "{how}\n{}\n{}", first.program.output(), second.program.output());
        // What the server still does for a worker that is gone, it would do in the next round: claim jobs for nobody.
        drop((first, second));
        let sessions =
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE ANY ('{first-%,second-%}')";
        wait_for_count(&mut c, sessions, 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_most_workers_vanish_together_the_network_is_to_blame() {
    let database = TestDatabase::create().await;
    let (mut c, folder) = (database.connect().await, tempfile::tempdir().unwrap());
    let cable = Cable::to(database.url()).await;
    let start = |name: &str| Worker::start(cable.url(), &folder, name, LONG);
    let cut_off = [start("one"), start("two"), start("three")];
    wait_for_count(&mut c, SEEN, 3).await;
    enqueue(&mut c, 24, 6_000).await;
    wait_until("all run", PATIENCE, async || {
        cut_off.iter().map(|one| one.wrote("start").len()).sum::<usize>() == 24
    })
    .await;
    let here = Worker::start(database.url(), &folder, "here", LONG);
    wait_for_count(&mut c, SEEN, 4).await;
    cable.cut();
    tokio::time::sleep(TIME_TO_MISS).await;
    let seen = "SELECT coalesce(string_agg(concat_ws(' ', runner, server_started_at, seen_at, presumed_dead), E'\n'), '') \
        FROM sides.runner_sessions JOIN sides.runners ON runner = id";
    let seen = text(&mut c, seen).await;
    assert_eq!(here.wrote("start").len(), 0, "{seen}\n{}", here.program.output());
    cable.mend();
    wait_for_count(&mut c, FINISHED, 24).await;
    assert_eq!(cut_off.iter().map(|one| one.wrote("start").len()).sum::<usize>(), 24);
    assert_eq!(count(&mut c, LOST).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_taken_for_dead_stops_what_others_have() {
    let database = TestDatabase::create().await;
    let (mut c, folder) = (database.connect().await, tempfile::tempdir().unwrap());
    let cable = Cable::to(database.url()).await;
    let first = Worker::start(cable.url(), &folder, "first", LONG);
    enqueue(&mut c, 8, 6_000).await;
    first.has_started(8).await;
    let mut second = Worker::start(database.url(), &folder, "second", LONG);
    wait_for_count(&mut c, SEEN, 2).await;
    cable.cut();
    second.has_started(8).await;
    cable.mend();
    first.program.says("what runs is stopped").await;
    wait_for_count(&mut c, FINISHED, 8).await;
    assert_eq!((first.wrote("end").len(), second.wrote("end").len()), (0, 8));
    // It is one like the others again, and works when the other is gone.
    wait_for_count(&mut c, SEEN, 2).await;
    second.kill().await;
    enqueue(&mut c, 8, 100).await;
    first.has_started(16).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_no_lock_is_judged_by_its_lease() {
    let database = TestDatabase::create().await;
    let (mut c, folder) = (database.connect().await, tempfile::tempdir().unwrap());
    // Through a pooler it would not be its own session that holds it.
    let settings = ["pool_mode = transaction", "ignore_startup_parameters = options"];
    let bouncer = Bouncer::before(database.url(), &settings).await;
    let pooled = Worker::start(bouncer.url(), &folder, "pooled", SHORT);
    pooled.program.says("through a transaction pooler").await;
    let held = "SELECT count(*) FROM pg_locks JOIN pg_database ON database = pg_database.oid \
        WHERE locktype = 'advisory' AND mode = 'ShareLock' AND datname = current_database()";
    assert_eq!((count(&mut c, held).await, count(&mut c, SEEN).await), (0, 0));
    drop(pooled);
    // A worker in another language, or of an older build.
    enqueue(&mut c, 1, 60_000).await;
    let claim = "SELECT count(*) FROM sides.claim(gen_random_uuid(), '{chaos}', 1, '4 seconds')";
    assert_eq!(count(&mut c, claim).await, 1);
    let claimed = now();
    let direct = Worker::start(database.url(), &folder, "direct", SHORT);
    let waited = direct.has_started(1).await - claimed;
    assert!(waited >= REST, "{waited:?}");
    assert_eq!((count(&mut c, held).await, count(&mut c, SEEN).await), (1, 1));
}
