//! The real program, with real signals, against a Postgres that is really restarted.

use std::process::Command;

use chrono::{TimeDelta, Utc};
use database::DatabaseUrl;
use jobs::PingDueServices;
use nix::sys::signal::Signal;
use postgres::{Cluster, Opened, Settings};
use testing::Program;

use crate::{
    fixture::{Monitor, PATIENCE},
    server::{Reply, Server},
};

/// A worker process; killed with its value.
pub(crate) fn start(url: &DatabaseUrl) -> Program {
    start_with(url, &[("ALLOW_PRIVATE_ADDRESSES", "true")])
}

fn start_with(url: &DatabaseUrl, variables: &[(&str, &str)]) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_worker"));
    command.env("DATABASE_URL", url.expose()).env("OPS_PORT", "0").env("LOG_FORMAT", "json");
    Program::start(command.env("DRAIN_SECONDS", "20").envs(variables.iter().copied()))
}

/// A server that is silent until it is asked for the second time.
async fn silent_at_first() -> Server {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => Reply::ThenSilence(""),
        _ => Reply::ok(),
    })
    .await
}

async fn until_asked(server: &Server, times: usize) {
    testing::wait_until("the server is asked", PATIENCE, async || server.count() == times).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_killed_worker_is_done_by_the_next() {
    let mut monitor = Monitor::new().await;
    let server = silent_at_first().await;
    let service = monitor.add(&server.url("/")).await;
    monitor.run("UPDATE services SET timeout_ms = 60000").await;
    let mut first = start(monitor.database.url());
    monitor.enqueue_ping(&service, 1).await;
    until_asked(&server, 1).await;
    first.signal(Signal::SIGKILL);
    first.ended().await;
    assert_eq!(monitor.number("SELECT count(*) FROM pings").await, 0);
    // What half a minute of silence would do.
    monitor.run("UPDATE sides.runners SET lease_until = now()").await;
    let _second = start(monitor.database.url());
    monitor.until("SELECT count(*) = 1 FROM pings WHERE ok").await;
    monitor.until("SELECT count(*) = 0 FROM sides.fang_tasks").await;
    assert_eq!(server.count(), 2);
    let outcomes = "SELECT string_agg(outcome || ' ' || attempt, ', ') FROM sides.job_history";
    assert_eq!(monitor.text(outcomes).await, "finished 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_lets_a_running_ping_end() {
    let mut monitor = Monitor::new().await;
    let server = Server::always(Reply::ThenSilence("")).await;
    let service = monitor.add(&server.url("/")).await;
    monitor.run("UPDATE services SET timeout_ms = 1500").await;
    let mut worker = start(monitor.database.url());
    monitor.enqueue_ping(&service, 1).await;
    until_asked(&server, 1).await;
    worker.signal(Signal::SIGTERM);
    let status = worker.ended().await;
    assert_eq!(status.code(), Some(0), "{}", worker.output());
    assert_eq!(monitor.text("SELECT error_kind FROM pings").await, "timeout");
    assert_eq!(monitor.number("SELECT count(*) FROM sides.fang_tasks").await, 0);
    assert_eq!(monitor.number("SELECT count(*) FROM sides.runners").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_says_how_many_jobs_run() {
    let mut monitor = Monitor::new().await;
    let server = Server::always(Reply::ThenSilence("")).await;
    let first = monitor.add(&server.url("/")).await;
    monitor.run("UPDATE services SET timeout_ms = 60000").await;
    let worker = start(monitor.database.url());
    worker.answers("/status", 200, "\"busy\":0").await;
    for seconds in [1, 2] {
        monitor.enqueue_ping(&first, seconds).await;
    }
    until_asked(&server, 2).await;
    worker.answers("/status", 200, "\"busy\":2").await;
    monitor.run("UPDATE sides.fang_tasks SET cancelled = 'no need' WHERE state = 'in_progress'").await;
    worker.answers("/status", 200, "\"busy\":0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_older_than_its_days_is_dropped_as_a_whole_and_coming_days_have_room() {
    let mut monitor = Monitor::new().await;
    // A day that is old enough, and the first one that is not.
    let today = Utc::now().date_naive();
    let name = |parent: &str, ago: i64| {
        format!("sides.{parent}_{}", (today - TimeDelta::days(ago)).format("%Y%m%d"))
    };
    for (parent, ago) in [("job_history", 9), ("job_history", 6), ("job_attempts", 9), ("job_attempts", 6)] {
        let (from, to) = (today - TimeDelta::days(ago), today - TimeDelta::days(ago - 1));
        let name = name(parent, ago);
        let day = format!("VALUES FROM ('{from} 00:00Z') TO ('{to} 00:00Z')");
        monitor.run(&format!("CREATE TABLE {name} PARTITION OF sides.{parent} FOR {day}")).await;
    }
    monitor
        .run(
            "INSERT INTO sides.job_history
                (id, kind, queue, outcome, attempt, created_at, scheduled_at, duration_us, finished_at)
            SELECT gen_random_uuid(), 'note', 'default', 'finished', 1, now(), now(), 1, now() - make_interval(days => ago)
            FROM unnest(ARRAY[9, 6]) AS ago",
        )
        .await;
    let _worker = start_with(monitor.database.url(), &[("JOB_HISTORY_DAYS", "7")]);
    let day = |parent: &str, ago: i64| format!("to_regclass('{}') IS NOT NULL", name(parent, ago));
    for parent in ["job_history", "job_attempts"] {
        monitor.until(&format!("NOT {}", day(parent, 9))).await;
        monitor.until(&day(parent, -3)).await;
        monitor.until(&day(parent, 6)).await;
    }
    assert_eq!(monitor.number("SELECT count(*) FROM sides.job_history WHERE kind = 'note'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_that_outlasts_the_drain_goes_back_uncounted() {
    let mut monitor = Monitor::new().await;
    let server = Server::always(Reply::ThenSilence("")).await;
    let service = monitor.add(&server.url("/")).await;
    monitor.run("UPDATE services SET timeout_ms = 60000").await;
    let variables = [("ALLOW_PRIVATE_ADDRESSES", "true"), ("DRAIN_SECONDS", "1")];
    let mut worker = start_with(monitor.database.url(), &variables);
    monitor.enqueue_ping(&service, 1).await;
    until_asked(&server, 1).await;
    worker.signal(Signal::SIGTERM);
    worker.ended().await;
    let waiting = "SELECT state || ' ' || attempt FROM sides.fang_tasks";
    assert_eq!(monitor.text(waiting).await, "new 0", "{}", worker.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_in_the_configuration_is_named_at_once() {
    let monitor = Monitor::new().await;
    let variables = [
        ("WORKER_CONCURRENCY", "0"),
        ("ALLOW_PRIVATE_ADDRESSES", "maybe"),
        ("WITNESSES", "nobody"),
        ("JOB_HISTORY_DAYS", "0"),
    ];
    let mut worker = start_with(monitor.database.url(), &variables);
    assert_eq!(worker.ended().await.code(), Some(78));
    for (name, _) in variables {
        worker.says(name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_refused_unless_allowed() {
    let mut monitor = Monitor::new().await;
    let server = Server::always(Reply::ok()).await;
    let service = monitor.add(&server.url("/")).await;
    let _worker = start_with(monitor.database.url(), &[]);
    monitor.enqueue_ping(&service, 1).await;
    monitor.until("SELECT count(*) = 1 FROM pings").await;
    assert_eq!(monitor.text("SELECT error_kind FROM pings").await, "private_address");
    assert_eq!(server.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_postgres_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let open = async || {
        let settings = Settings { durable: false, ..Settings::default() };
        match Cluster::open(folder.path(), settings).await.expect("Postgres starts") {
            Opened::Started(cluster) => cluster,
            Opened::Running { .. } => panic!("nobody else runs it"),
        }
    };
    let cluster = open().await;
    let url: DatabaseUrl = cluster.url().parse().unwrap();
    migrate::up(&url, &testing::schema::migrations()).await.expect("the migrations apply");
    let mut c = database::connect(&url).await.unwrap();
    // The worker watches itself: its row, its ops server, its ping.
    diesel_async::SimpleAsyncConnection::batch_execute(
        &mut c,
        "DELETE FROM services WHERE process <> 'worker'",
    )
    .await
    .unwrap();
    let mut worker = start(&url);
    pinged(&mut c, 1).await;
    cluster.stop().await;
    let cluster = open().await;
    let mut c = database::connect(&url).await.unwrap();
    pinged(&mut c, 2).await;
    pinged(&mut c, 3).await;
    worker.signal(Signal::SIGTERM);
    let status = worker.ended().await;
    assert_eq!(status.code(), Some(0), "{}", worker.output());
    drop(c);
    cluster.stop().await;
}

/// Makes everything due until there are this many good pings.
async fn pinged(c: &mut database::Connection, times: i64) {
    use diesel::{ExpressionMethods as _, QueryDsl as _};
    use diesel_async::RunQueryDsl as _;
    use models::schema::{pings, service_states};
    let enough = async || {
        let good = pings::table.filter(pings::ok.eq(true)).count();
        let good: i64 = good.get_result(c).await.expect("Postgres answers");
        let waits: i64 = queue::overview(c).await.unwrap().iter().map(|kind| kind.ready + kind.running).sum();
        if good < times && waits == 0 {
            let due = service_states::next_ping_at.eq(diesel::dsl::now);
            diesel::update(service_states::table).set(due).execute(c).await.unwrap();
            queue::enqueue(c, &PingDueServices {}).await.unwrap();
        }
        good >= times
    };
    testing::wait_until("the worker is up", PATIENCE, enough).await;
}
