//! A worker that is cut off itself counts no failures: it asks a witness.

use std::time::Instant;

use models::Service;

use crate::{
    fixture::{Monitor, PATIENCE},
    server::{Reply, Server, closed},
};

const FINISHED: &str =
    "SELECT count(*) FROM sides.job_history WHERE kind = 'ping_service' AND outcome = 'finished'";

/// Pings each of them twice.
async fn ping_twice(monitor: &mut Monitor, all: &[Service], before: i64) {
    for seconds in [before, before - 1] {
        for service in all {
            monitor.enqueue_ping(service, seconds).await;
        }
        monitor.until("SELECT count(*) = 0 FROM sides.fang_tasks WHERE kind = 'ping_service'").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_counted_while_no_witness_answers_and_everything_once_one_does() {
    let mut monitor = Monitor::new().await;
    let (away, witness) = (closed().await, closed().await);
    let mut all = Vec::new();
    for number in 0..20 {
        all.push(monitor.add(&format!("http://{away}/{number}")).await);
    }
    let answers = Server::always(Reply::Answer("500 Internal Server Error", String::new())).await;
    let broken = monitor.add(&answers.url("/")).await;
    let worker =
        monitor.start_worker_with(&[format!("http://{}/", closed().await), format!("http://{witness}/")]);

    ping_twice(&mut monitor, &all, 20).await;
    assert_eq!(monitor.number(FINISHED).await, 40);
    assert_eq!(monitor.number("SELECT count(*) FROM pings").await, 0, "neither good nor bad");
    assert_eq!(monitor.number("SELECT count(*) FROM incidents").await, 0);
    let state = monitor.state(&all[0]).await;
    assert_eq!((state.state.as_str(), state.consecutive_failures), ("unknown", 0));

    // Who answers is reached, whatever the witnesses do.
    ping_twice(&mut monitor, std::slice::from_ref(&broken), 10).await;
    assert_eq!(monitor.number("SELECT count(*) FROM incidents").await, 1);

    // What a witness answers is its own affair.
    let witness =
        Server::start_at(&witness.to_string(), |_| Reply::Answer("404 Not Found", String::new())).await;
    let begun = Instant::now();
    while witness.count() == 0 {
        assert!(begun.elapsed() < PATIENCE, "nobody asks it");
        ping_twice(&mut monitor, &all[..1], 5).await;
    }
    ping_twice(&mut monitor, &all[1..], 5).await;
    let others = format!("SELECT count(*) FROM incidents WHERE service_id > {}", all[0].id);
    assert_eq!(monitor.number(&others).await, 20, "19 that are away, and the broken one");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_fail_together_ask_a_silent_witness_together() {
    let mut monitor = Monitor::new().await;
    let silent = Server::always(Reply::ThenSilence("")).await;
    let away = closed().await;
    let mut all = Vec::new();
    for number in 0..200 {
        all.push(monitor.add(&format!("http://{away}/{number}")).await);
    }
    for service in &all {
        monitor.enqueue_ping(service, 20).await;
    }
    let worker = monitor.start_worker_with(&[silent.url("/")]);
    monitor.until("SELECT count(*) = 0 FROM sides.fang_tasks WHERE kind = 'ping_service'").await;
    worker.stop().await;
    assert_eq!(monitor.number("SELECT count(*) FROM pings").await, 0);
    assert!((1..=20).contains(&silent.count()), "{}", silent.count());
}
