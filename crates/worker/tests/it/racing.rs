//! Many workers at once, and still everything happens once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    fixture::Monitor,
    server::{Reply, Server},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_opens_and_closes_once_however_many_workers_race() {
    let mut monitor = Monitor::new().await;
    let well = Arc::new(AtomicBool::new(false));
    let said = Arc::clone(&well);
    let server = Server::start(move |_| match said.load(Ordering::Relaxed) {
        true => Reply::ok(),
        false => Reply::Answer("500 Internal Server Error", String::new()),
    })
    .await;
    let receiver = Server::always(Reply::ok()).await;
    for path in ["/one", "/two"] {
        models::webhooks::add(&mut monitor.c, &receiver.url(path), "s3cret").await.unwrap();
    }
    let service = monitor.add(&server.url("/")).await;
    monitor.run("UPDATE services SET failures_before_incident = 1").await;
    let workers = [monitor.start_worker(), monitor.start_worker(), monitor.start_worker()];
    for seconds in (31..=60).rev() {
        monitor.enqueue_ping(&service, seconds).await;
    }
    monitor.until("SELECT count(*) = 0 FROM sides.fang_tasks").await;
    let incidents = "SELECT count(*) FROM incidents WHERE closed_at IS NULL";
    assert_eq!(monitor.number(incidents).await, 1);
    well.store(true, Ordering::Relaxed);
    for seconds in (1..=30).rev() {
        monitor.enqueue_ping(&service, seconds).await;
    }
    monitor.until("SELECT count(*) = 0 FROM sides.fang_tasks").await;
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(monitor.number("SELECT count(*) FROM pings").await, 60);
    assert_eq!(monitor.number("SELECT count(*) FROM incidents").await, 1);
    assert_eq!(monitor.number("SELECT count(*) FROM incidents WHERE closed_at IS NOT NULL").await, 1);
    let mut told: Vec<String> = receiver
        .requests()
        .iter()
        .map(|request| format!("{} {}", request.path, request.header("Sides-Event").unwrap()))
        .collect();
    told.sort();
    assert_eq!(
        told,
        ["/one incident.closed", "/one incident.opened", "/two incident.closed", "/two incident.opened"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_fan_outs_at_once_share_the_services() {
    let mut monitor = Monitor::new().await;
    monitor
        .run(
            "INSERT INTO services (name, url) SELECT 'shop ' || n, 'http://127.0.0.1:1/' \
                 FROM generate_series(1, 500) AS n; \
             INSERT INTO service_states (service_id) SELECT id FROM services WHERE url IS NOT NULL",
        )
        .await;
    let mut others = Vec::new();
    for _ in 0..4 {
        others.push(monitor.database.connect().await);
    }
    let tasks: Vec<_> = others
        .into_iter()
        .map(|mut c| tokio::spawn(async move { models::pings::claim_due(&mut c, 10_000).await.unwrap() }))
        .collect();
    let mut claimed = Vec::new();
    for task in tasks {
        claimed.extend(task.await.unwrap().into_iter().map(|ping| ping.service_id));
    }
    claimed.sort_unstable();
    let before = claimed.len();
    claimed.dedup();
    assert_eq!((before, claimed.len()), (503, 503), "503 with the application's own three");
}
