//! Workers that are killed are missed within two seconds, and nobody else is: real processes, with leases that would last
//! much longer.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use database::{Connection, DatabaseUrl};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use testing::{Bouncer, Cable, Program, TestDatabase, example, wait_until};

use crate::{
    chaos::place::Server,
    fixture::{count, execute, text, wait_for_count},
};

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_secs(4);
/// What is left of the short lease at least: it is renewed every quarter, and a machine may be busy.
const REST: Duration = Duration::from_millis(2500);
/// A third of the lease: how soon it is on a machine that is not busy with something else is measured, and in the documents.
const SOON: Duration = Duration::from_secs(10);
/// Longer than it takes to miss a worker.
const TIME_TO_MISS: Duration = Duration::from_millis(2500);
const PATIENCE: Duration = Duration::from_secs(25);

const SEEN: &str = "SELECT count(*) FROM sides.runner_sessions WHERE server_started_at IS NOT NULL";
const FINISHED: &str = "SELECT count(*) FROM sides.job_history WHERE outcome = 'finished'";
const LOST: &str = "SELECT count(*) FROM sides.job_attempts WHERE outcome = 'lost'";

/// A worker with eight slots, and the diary that outlives it.
struct Worker {
    program: Program,
    diary: PathBuf,
}

impl Worker {
    fn start(url: &DatabaseUrl, folder: &TempDir, name: &str, lease: Duration) -> Self {
        let diary = folder.path().join(name);
        let mut command = Command::new(example("chaos_worker"));
        command.env("CHAOS_DATABASE_URL", url.with_application_name(name).expose());
        command.env("CHAOS_DIARY", &diary).env("CHAOS_LEASE_MS", lease.as_millis().to_string());
        Self { program: Program::start(&mut command), diary }
    }

    /// When it wrote such a line.
    fn wrote(&self, what: &str) -> Vec<Duration> {
        let text = std::fs::read_to_string(&self.diary).unwrap_or_default();
        let lines = text.lines().filter_map(|line| {
            let (at, rest) = line.split_once(' ')?;
            (rest.split(' ').next()? == what).then(|| Duration::from_micros(at.parse().unwrap()))
        });
        lines.collect()
    }

    async fn has_started(&self, jobs: usize) -> Duration {
        let name = self.diary.file_name().unwrap();
        let what = format!("{jobs} jobs start at {name:?}, which says:\n{}", self.program.output());
        wait_until(&what, PATIENCE, async || self.wrote("start").len() >= jobs).await;
        self.wrote("start").into_iter().max().unwrap()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.program.id()).unwrap())
    }

    async fn kill(&mut self) -> Duration {
        let at = now();
        self.program.signal(Signal::SIGKILL);
        self.program.ended().await;
        at
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

async fn enqueue(c: &mut Connection, jobs: usize, millis: usize) {
    let insert = "INSERT INTO sides.fang_tasks (metadata) \
        SELECT jsonb_build_object('type', 'chaos', 'number', n, 'millis',";
    execute(c, &format!("{insert} {millis}) FROM generate_series(1, {jobs}) AS n")).await;
}

/// How long the jobs waited until they started elsewhere.
async fn missed(killed: Duration, other: &Worker, jobs: usize) -> Duration {
    let waited = other.has_started(jobs).await - killed;
    println!("{jobs} jobs of a killed worker started elsewhere after {} ms", waited.as_millis());
    waited
}

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
