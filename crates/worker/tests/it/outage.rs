//! The database goes away while a host is waited for.

use std::sync::Arc;

use testing::Cable;
use tokio::sync::Notify;

use crate::{
    fixture::{Monitor, PATIENCE},
    processes,
    server::{Reply, Server},
};

/// What happens to the connections.
#[derive(Clone, Copy)]
enum Loss {
    /// They end, as when Postgres is killed.
    Cut,
    /// They go silent, as when a network is split.
    Silent,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_whose_database_was_cut_off_is_stored_once_it_is_back() {
    a_ping_outlasts(Loss::Cut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_whose_database_went_silent_is_stored_once_it_is_back() {
    a_ping_outlasts(Loss::Silent).await;
}

async fn a_ping_outlasts(loss: Loss) {
    let mut monitor = Monitor::new().await;
    let cable = Arc::new(Cable::to(monitor.database.url()).await);
    let lost = Arc::new(Notify::new());
    // Its first answer comes when the database is unavailable.
    let server = {
        let (cable, lost) = (Arc::clone(&cable), Arc::clone(&lost));
        let first = std::sync::atomic::AtomicBool::new(true);
        Server::start(move |_| {
            if first.swap(false, std::sync::atomic::Ordering::Relaxed) {
                match loss {
                    Loss::Cut => cable.cut(),
                    Loss::Silent => cable.hold(),
                }
                lost.notify_one();
            }
            Reply::ok()
        })
        .await
    };
    let service = monitor.add(&server.url("/")).await;
    let worker = monitor.start_worker_over(cable.url(), true);
    monitor.enqueue_ping(&service, 1).await;
    tokio::time::timeout(PATIENCE, lost.notified()).await.expect("the host is asked");
    let stored = "SELECT count(*) FROM pings";
    assert_eq!(monitor.number(stored).await, 0, "there is no way to the database");
    cable.cut();
    cable.mend();
    // What the pause between two attempts would do.
    let at_once = "UPDATE sides.fang_tasks SET scheduled_at = now() WHERE state = 'retried'";
    testing::wait_until("the ping is stored", PATIENCE, async || {
        monitor.run(at_once).await;
        monitor.number("SELECT count(*) FROM pings WHERE ok").await == 1
    })
    .await;
    monitor.until("SELECT count(*) = 0 FROM sides.fang_tasks").await;
    worker.stop().await;
    assert_eq!(monitor.number(stored).await, 1);
}

/// More hosts that never answer than a process could wait for by threads.
#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_silent_hosts_hold_up_nobody_else() {
    const SILENT: usize = 400;
    let mut monitor = Monitor::new().await;
    let silent = Server::always(Reply::ThenSilence("")).await;
    let quick = Server::always(Reply::ok()).await;
    monitor
        .run(&format!(
            "WITH silent AS (
                INSERT INTO services (name, url, timeout_ms) SELECT 'silent', '{}', 60000
                FROM generate_series(1, {SILENT}) RETURNING id
            ), states AS (INSERT INTO service_states (service_id) SELECT id FROM silent)
            INSERT INTO sides.fang_tasks (metadata) SELECT jsonb_build_object(
                'type', 'ping_service', 'service_id', id, 'due_at', now()) FROM silent",
            silent.url("/")
        ))
        .await;
    let _worker = processes::start(monitor.database.url());
    testing::wait_until("all are asked", PATIENCE, async || silent.count() == SILENT).await;
    let service = monitor.add(&quick.url("/")).await;
    monitor.enqueue_ping(&service, 1).await;
    monitor.until("SELECT count(*) = 1 FROM pings WHERE ok").await;
    assert_eq!(monitor.number("SELECT count(*) FROM pings").await, 1, "the others are still waited for");
}
