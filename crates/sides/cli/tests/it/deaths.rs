//! `kill -9` of everything in turn.

use std::time::Duration;

use nix::sys::signal::Signal;
use testing::{TestDatabase, example, wait_until};

use crate::{
    host::Dev,
    rows,
    sandbox::{PATIENCE, Sandbox, signal},
    scaling::put,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_job_of_a_worker_that_its_host_sees_killed_starts_again_at_once() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["worker"]).on(&database);
    let mut host = Dev::start(sandbox.sides(&["host", "--port", "0"]));
    host.says("worker has not been released yet").await;
    put(&sandbox, "worker", &example("sleeper")).await;
    let nap = "INSERT INTO sides.fang_tasks (metadata) VALUES ('{\"type\": \"nap\", \"millis\": 2000}')";
    rows::execute(database.url(), nap).await;
    let runs = "sides.fang_tasks WHERE kind = 'nap' AND state = 'in_progress'";
    wait_until("it runs", PATIENCE, async || rows::count(database.url(), runs).await == 1).await;
    signal(sandbox.pid_of("worker").unwrap(), Signal::SIGKILL);
    // Half of what a lease takes to run out.
    let again = format!("{runs} AND attempt = 2");
    let soon = Duration::from_secs(15);
    wait_until("it runs again", soon, async || rows::count(database.url(), &again).await == 1).await;
    // Nobody but the host was there to say so: the next worker would have missed it 1.2 s after it began, and no sooner.
    let told = "sides.runners AS dead JOIN sides.runners AS heir ON heir.started_at > dead.started_at
        WHERE dead.presumed_dead = 1 AND dead.lease_until < heir.started_at + interval '1.2 seconds'";
    assert_eq!(rows::count(database.url(), told).await, 1, "the lease ended as the host saw the end");
    let over = "sides.job_history WHERE kind = 'nap' AND outcome = 'finished' AND attempt = 2";
    wait_until("it is done", PATIENCE, async || rows::count(database.url(), over).await == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_killed_process_comes_back_and_the_others_stay() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::new().on(&database);
    let mut dev = sandbox.dev();
    dev.ready().await;
    for victim in ["web", "worker", "clock"] {
        let before = ["web", "worker", "clock"].map(|name| sandbox.pid_of(name).unwrap());
        signal(sandbox.pid_of(victim).unwrap(), Signal::SIGKILL);
        dev.says(&format!("{victim} was killed by SIGKILL")).await;
        sandbox.wait_until_green().await;
        let after = ["web", "worker", "clock"].map(|name| sandbox.pid_of(name).unwrap());
        let changed: Vec<_> = before.iter().zip(&after).map(|(before, after)| before != after).collect();
        let expected: Vec<_> = ["web", "worker", "clock"].iter().map(|name| *name == victim).collect();
        assert_eq!(changed, expected, "after the death of {victim}");
    }
    dev.interrupt();
    assert_eq!(dev.ended().await.code(), Some(0));
    assert_eq!(sandbox.residents(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_dev_leaves_nothing_behind_and_the_next_one_works() {
    let sandbox = Sandbox::with(&["clock"]);
    let mut dev = sandbox.dev();
    dev.ready().await;
    let before = sandbox.residents();
    assert!(before.iter().any(|(_, line)| line.contains("postgres")), "no private Postgres in {before:?}");
    signal(dev.pid(), Signal::SIGKILL);
    dev.ended().await;
    sandbox.wait_until_empty().await;

    let mut dev = sandbox.dev();
    dev.ready().await;
    // And at once after a death, while the old ones may still be on their way out.
    signal(dev.pid(), Signal::SIGKILL);
    let mut dev = sandbox.dev();
    dev.ready().await;
    dev.interrupt();
    assert_eq!(dev.ended().await.code(), Some(0));
    assert_eq!(sandbox.residents(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_private_postgres_is_started_again() {
    let sandbox = Sandbox::new();
    let mut dev = sandbox.dev();
    dev.ready().await;
    let server = || {
        let pid_file = std::fs::read_to_string(sandbox.file(".sides/postgres/data/postmaster.pid"));
        pid_file.ok()?.lines().next()?.parse::<i32>().ok()
    };
    let first = server().unwrap();
    signal(first, Signal::SIGKILL);
    dev.says("Postgres does not answer").await;
    dev.says("Postgres answers again").await;
    sandbox.wait_until_green().await;
    assert_ne!(server(), Some(first));
    let restarts = |status: serde_json::Value| -> Vec<u64> {
        status["processes"].as_array().unwrap().iter().map(|one| one["restarts"].as_u64().unwrap()).collect()
    };
    assert_eq!(restarts(sandbox.status()), [0, 0, 0], "they recover by themselves");
    dev.interrupt();
    assert_eq!(dev.ended().await.code(), Some(0));
    assert_eq!(sandbox.residents(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_dev_takes_a_process_that_ignores_signals_along() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["clock"]).on(&database);
    let stubborn = "deaf: sh -c 'trap \"\" TERM INT HUP; while :; do sleep 1; done'\n";
    std::fs::write(sandbox.file("Procfile.deaf"), stubborn).unwrap();
    let dev = sandbox.dev();
    wait_until("it runs", PATIENCE, async || sandbox.pid_of("deaf").is_some()).await;
    // The second Ctrl-C does not wait for it.
    dev.interrupt();
    wait_until("it drains", PATIENCE, async || sandbox.status()["phase"] == "stopping").await;
    dev.interrupt();
    let mut dev = dev;
    assert_eq!(dev.ended().await.code(), Some(0));
    assert_eq!(sandbox.residents(), []);
}
