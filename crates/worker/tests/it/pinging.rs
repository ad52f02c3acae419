//! Due services are pinged, and what is seen is stored.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use jobs::{PingDueServices, PingService};
use models::{Transition, services};

use crate::{
    fixture::Monitor,
    server::{Reply, Server, closed},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_due_service_is_pinged_and_stored() {
    let mut monitor = Monitor::new().await;
    let server = Server::always(Reply::ok()).await;
    let service = monitor.add(&server.url("/")).await;
    queue::enqueue(&mut monitor.c, &PingDueServices {}).await.unwrap();
    let worker = monitor.start_worker();
    monitor.until(&format!("SELECT count(*) = 1 FROM pings WHERE service_id = {}", service.id)).await;
    worker.stop().await;
    let state = monitor.state(&service).await;
    assert_eq!((state.state.as_str(), state.consecutive_failures), ("up", 0));
    assert!(state.last_ping_at.is_some() && state.last_latency_ms.is_some());
    assert!(state.next_ping_at > state.last_ping_at.unwrap());
    assert_eq!(monitor.number("SELECT status FROM pings WHERE ok AND error IS NULL").await, 200);
    assert_eq!(server.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_services_at_once_are_fanned_out_once() {
    let mut monitor = Monitor::new().await;
    let address = closed().await;
    monitor
        .run(&format!(
            "INSERT INTO services (name, url) SELECT 'shop ' || n, 'http://{address}/' \
                 FROM generate_series(1, 10000) AS n; \
             INSERT INTO service_states (service_id) SELECT id FROM services WHERE url IS NOT NULL; \
             UPDATE services SET paused_at = now() WHERE process IS NOT NULL"
        ))
        .await;
    for _ in 0..3 {
        queue::enqueue(&mut monitor.c, &PingDueServices {}).await.unwrap();
    }
    let worker = monitor.start_worker();
    monitor.until("SELECT count(*) = 3 FROM sides.job_history WHERE kind = 'ping_due_services'").await;
    worker.stop().await;
    let over = "SELECT count(*) FROM sides.job_history WHERE kind = 'ping_service'";
    let waiting = "SELECT count(DISTINCT metadata ->> 'service_id') FROM sides.fang_tasks \
                   WHERE kind = 'ping_service'";
    assert_eq!(monitor.number(over).await + monitor.number(waiting).await, 10_000);
    let jobs = "SELECT count(*) FROM sides.fang_tasks WHERE kind = 'ping_service'";
    assert_eq!(monitor.number(jobs).await, monitor.number(waiting).await);
    let failed = "SELECT count(*) FROM sides.job_history WHERE outcome <> 'finished'";
    assert_eq!(monitor.number(failed).await, 0);
    // Those that came together drift apart.
    let moments = "SELECT count(DISTINCT date_trunc('second', next_ping_at)) FROM service_states";
    assert!(monitor.number(moments).await > 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_service_is_not_piled_up_and_nobody_waits_for_it() {
    let mut monitor = Monitor::new().await;
    let slow = Server::always(Reply::ThenSilence("")).await;
    let quick = Server::always(Reply::ok()).await;
    let slow_service = monitor.add(&slow.url("/")).await;
    let quick_service = monitor.add(&quick.url("/")).await;
    let worker = monitor.start_worker();
    for round in 1..=3 {
        monitor.run("UPDATE service_states SET next_ping_at = now()").await;
        queue::enqueue(&mut monitor.c, &PingDueServices {}).await.unwrap();
        let pinged = format!("SELECT count(*) = {round} FROM pings WHERE service_id = {}", quick_service.id);
        monitor.until(&pinged).await;
        // Until its job is over as well, the next one would be taken for the same.
        let over = format!(
            "SELECT count(*) = 0 FROM sides.fang_tasks WHERE metadata ->> 'service_id' = '{}'",
            quick_service.id
        );
        monitor.until(&over).await;
    }
    assert_eq!(slow.count(), 1);
    let jobs = format!(
        "SELECT count(*) FROM sides.fang_tasks WHERE metadata ->> 'service_id' = '{}'",
        slow_service.id
    );
    assert_eq!(monitor.number(&jobs).await, 1);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_that_were_missed_are_not_made_up_for() {
    let mut monitor = Monitor::new().await;
    let service = monitor.add("http://127.0.0.1:1/").await;
    monitor
        .run("UPDATE service_states SET last_ping_at = now(), next_ping_at = now() - interval '1 hour 10 s'")
        .await;
    let due = models::pings::claim_due(&mut monitor.c, 100).await.unwrap();
    let due: Vec<_> = due.into_iter().filter(|ping| ping.service_id == service.id).collect();
    assert_eq!(due.len(), 1);
    let state = monitor.state(&service).await;
    // The rhythm stays: one interval of 60 s further, 50 s from now.
    assert_eq!((state.next_ping_at - due[0].due_at).num_seconds(), 60);
    let from_now = (state.next_ping_at - chrono::Utc::now()).num_seconds();
    assert!((45..=50).contains(&from_now), "{from_now}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_opens_and_closes_with_the_service() {
    let mut monitor = Monitor::new().await;
    let well = Arc::new(AtomicBool::new(false));
    let said = Arc::clone(&well);
    let server = Server::start(move |_| match said.load(Ordering::Relaxed) {
        true => Reply::ok(),
        false => Reply::Answer("500 Internal Server Error", String::new()),
    })
    .await;
    let service = monitor.add(&server.url("/")).await;
    let worker = monitor.start_worker();
    let open = "SELECT count(*) FROM incidents WHERE closed_at IS NULL";
    monitor.ping(&service, 50).await;
    assert_eq!(monitor.number(open).await, 0, "one failure is no incident yet");
    monitor.ping(&service, 40).await;
    monitor.ping(&service, 30).await;
    assert_eq!(monitor.number(open).await, 1);
    assert_eq!(monitor.state(&service).await.state, "down");
    assert_eq!(monitor.text("SELECT error_kind FROM incidents").await, "unexpected_status");
    well.store(true, Ordering::Relaxed);
    monitor.ping(&service, 20).await;
    monitor.ping(&service, 10).await;
    worker.stop().await;
    assert_eq!(monitor.number(open).await, 0);
    assert_eq!(monitor.number("SELECT count(*) FROM incidents WHERE closed_at > opened_at").await, 1);
    assert_eq!(monitor.state(&service).await.state, "up");
    assert_eq!(monitor.number("SELECT count(*) FROM pings WHERE ok").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_job_stores_nothing_new_the_second_time() {
    let mut monitor = Monitor::new().await;
    let service = monitor.add(&format!("http://{}/", closed().await)).await;
    let job = monitor.enqueue_ping(&service, 5).await;
    queue::enqueue(&mut monitor.c, &job).await.unwrap();
    let worker = monitor.start_worker();
    monitor.until("SELECT count(*) = 2 FROM sides.job_history WHERE outcome = 'finished'").await;
    worker.stop().await;
    assert_eq!(monitor.number("SELECT count(*) FROM pings").await, 1);
    assert_eq!(monitor.state(&service).await.consecutive_failures, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_ping_that_ends_later_changes_no_state() {
    let mut monitor = Monitor::new().await;
    let server = Server::always(Reply::ok()).await;
    let service = monitor.add(&server.url("/")).await;
    let worker = monitor.start_worker();
    monitor.ping(&service, 5).await;
    drop(server);
    monitor.ping(&service, 30).await;
    monitor.ping(&service, 25).await;
    worker.stop().await;
    assert_eq!(monitor.number("SELECT count(*) FROM pings WHERE NOT ok").await, 2);
    let state = monitor.state(&service).await;
    assert_eq!((state.state.as_str(), state.consecutive_failures), ("up", 0));
    assert_eq!(monitor.number("SELECT count(*) FROM incidents").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_paused_meanwhile_is_left_as_it_is() {
    let mut monitor = Monitor::new().await;
    let mut service = monitor.add("http://127.0.0.1:1/").await;
    service.failures_before_incident = 1;
    let seen = models::Ping {
        service_id: service.id,
        due_at: crate::fixture::moment(),
        pinged_at: crate::fixture::moment(),
        ok: false,
        latency_ms: 1,
        status: None,
        error_kind: Some("refused".to_owned()),
        error: Some("refused".to_owned()),
    };
    services::set_paused(&mut monitor.c, service.id, true).await.unwrap();
    let recorded = models::pings::record(&mut monitor.c, &service, &seen).await.unwrap();
    assert_eq!(recorded, models::pings::Recorded::Outdated);
    assert_eq!(monitor.number("SELECT count(*) FROM pings").await, 0);
    // The same ping of the service as it is now counts.
    let mut now = services::find(&mut monitor.c, service.id).await.unwrap().unwrap();
    now.failures_before_incident = 1;
    let recorded = models::pings::record(&mut monitor.c, &now, &seen).await.unwrap();
    let models::pings::Recorded::Stored(Some(told)) = recorded else { panic!("{recorded:?}") };
    assert_eq!(told.transition, Transition::Opened);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_of_nothing_is_discarded_with_its_reason() {
    let mut monitor = Monitor::new().await;
    let service = monitor.add("http://127.0.0.1:1/").await;
    services::set_paused(&mut monitor.c, service.id, true).await.unwrap();
    monitor.enqueue_ping(&service, 5).await;
    let gone = PingService { service_id: i64::MAX, due_at: crate::fixture::moment() };
    queue::enqueue(&mut monitor.c, &gone).await.unwrap();
    let old = monitor.add("http://127.0.0.1:1/").await;
    monitor.enqueue_ping(&old, 100_000).await;
    let ran = monitor.drain().await;
    let mut reasons: Vec<_> =
        ran.iter().map(|ran| (ran.outcome, ran.error.as_deref().unwrap_or(""))).collect();
    reasons.sort_unstable();
    let expected =
        ["the ping was due more than a day ago", "the service is paused", "the service was deleted"];
    assert_eq!(reasons, expected.map(|reason| ("discarded", reason)));
}
