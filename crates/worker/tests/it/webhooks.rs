//! Webhooks are told, once each, and can check who told them.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use models::Service;

use crate::{
    fixture::Monitor,
    server::{Reply, Request, Server, closed},
};

/// A service that went down, with this webhook.
async fn down(monitor: &mut Monitor, webhook: &str) -> Service {
    models::webhooks::add(&mut monitor.c, webhook, "s3cret").await.unwrap();
    let service = monitor.add(&format!("http://{}/", closed().await)).await;
    monitor.run("UPDATE services SET failures_before_incident = 1").await;
    monitor.enqueue_ping(&service, 10).await;
    service
}

/// Answers with the status that is set.
async fn answering(status: &Arc<AtomicU16>) -> Server {
    let status = Arc::clone(status);
    Server::start(move |_: &Request| match status.load(Ordering::Relaxed) {
        200 => Reply::ok(),
        404 => Reply::Answer("404 Not Found", String::new()),
        429 => Reply::Answer("429 Too Many Requests", String::new()),
        _ => Reply::Answer("500 Internal Server Error", String::new()),
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_is_signed_and_says_what_happened() {
    let mut monitor = Monitor::new().await;
    let receiver = Server::always(Reply::ok()).await;
    let service = down(&mut monitor, &receiver.url("/hook")).await;
    let worker = monitor.start_worker();
    monitor.until("SELECT count(*) = 1 FROM webhook_deliveries WHERE delivered_at IS NOT NULL").await;
    worker.stop().await;
    let request = &receiver.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook"));
    assert_eq!(request.header("Content-Type"), Some("application/json"));
    assert_eq!(request.header("Sides-Event"), Some("incident.opened"));
    let timestamp: i64 = request.header("Sides-Timestamp").unwrap().parse().unwrap();
    assert!((chrono::Utc::now().timestamp() - timestamp).abs() < 60);
    let expected = worker::webhook::sign("s3cret", timestamp, &request.body);
    assert_eq!(request.header("Sides-Signature"), Some(expected.as_str()));
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body["event"], "incident.opened");
    assert_eq!(body["service"]["id"], service.id);
    assert_eq!(body["service"]["name"], "shop");
    assert_eq!(body["incident"]["error_kind"], "refused");
    assert_eq!(body["incident"]["closed_at"], serde_json::Value::Null);
    assert_eq!(body["delivery_id"].to_string(), request.header("Sides-Delivery").unwrap());
    assert_eq!(receiver.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_in_trouble_is_told_again_until_it_accepts() {
    let mut monitor = Monitor::new().await;
    let status = Arc::new(AtomicU16::new(500));
    let receiver = answering(&status).await;
    down(&mut monitor, &receiver.url("/")).await;
    let worker = monitor.start_worker();
    let waits = "SELECT count(*) = 1 FROM sides.fang_tasks \
                 WHERE kind = 'deliver_webhook' AND state = 'retried' AND retries =";
    let at_once = "UPDATE sides.fang_tasks SET scheduled_at = now() WHERE kind = 'deliver_webhook'";
    let last_error = "SELECT last_error FROM webhook_deliveries";
    monitor.until(&format!("{waits} 1")).await;
    let expected = "attempt 1: the receiver answered 500 Internal Server Error";
    assert_eq!(monitor.text(last_error).await, expected);
    let backoff = "SELECT extract(epoch FROM scheduled_at - updated_at) * 1000 FROM sides.fang_tasks";
    let backoff = monitor.number(backoff).await;
    assert!((3_700..=6_300).contains(&backoff), "5 s more or less, not {backoff} ms");
    status.store(429, Ordering::Relaxed);
    monitor.run(at_once).await;
    monitor.until(&format!("{waits} 2")).await;
    status.store(200, Ordering::Relaxed);
    monitor.run(at_once).await;
    monitor.until("SELECT count(*) = 1 FROM webhook_deliveries WHERE delivered_at IS NOT NULL").await;
    worker.stop().await;
    assert_eq!(monitor.text(last_error).await, "");
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    let first = requests[0].header("Sides-Delivery");
    assert!(requests.iter().all(|request| request.header("Sides-Delivery") == first));
    assert!(requests.iter().all(|request| request.body == requests[0].body));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_refuses_is_not_asked_again() {
    let mut monitor = Monitor::new().await;
    let receiver = answering(&Arc::new(AtomicU16::new(404))).await;
    down(&mut monitor, &receiver.url("/")).await;
    let worker = monitor.start_worker();
    monitor.until("SELECT count(*) = 1 FROM sides.job_history WHERE outcome = 'discarded'").await;
    worker.stop().await;
    let reason = "SELECT error FROM sides.job_history WHERE kind = 'deliver_webhook'";
    assert_eq!(monitor.text(reason).await, "the receiver answered 404 Not Found");
    let row = "SELECT last_error FROM webhook_deliveries WHERE delivered_at IS NULL";
    assert_eq!(monitor.text(row).await, "attempt 1: the receiver answered 404 Not Found");
    assert_eq!(receiver.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_never_accepts_is_given_up_with_the_reason() {
    let mut monitor = Monitor::new().await;
    let receiver = answering(&Arc::new(AtomicU16::new(500))).await;
    down(&mut monitor, &receiver.url("/")).await;
    let worker = monitor.start_worker();
    monitor.until("SELECT count(*) = 1 FROM sides.fang_tasks WHERE state = 'retried'").await;
    // Ten attempts later.
    monitor
        .run("UPDATE sides.fang_tasks SET attempt = 11, scheduled_at = now() WHERE state = 'retried'")
        .await;
    monitor.until("SELECT count(*) = 1 FROM sides.fang_tasks WHERE state = 'failed'").await;
    worker.stop().await;
    let reason = monitor.text("SELECT last_error FROM webhook_deliveries").await;
    assert_eq!(reason, "given up after 12 attempts: the receiver answered 500 Internal Server Error");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_webhook_is_told_nothing() {
    let mut monitor = Monitor::new().await;
    let receiver = Server::always(Reply::ok()).await;
    let service = down(&mut monitor, &receiver.url("/")).await;
    monitor.run("UPDATE webhooks SET disabled_at = now()").await;
    let worker = monitor.start_worker();
    monitor.until("SELECT count(*) = 1 FROM incidents").await;
    monitor.until("SELECT count(*) = 0 FROM sides.fang_tasks").await;
    worker.stop().await;
    assert_eq!(monitor.state(&service).await.state, "down");
    assert_eq!(receiver.count(), 0);
    assert_eq!(monitor.number("SELECT count(*) FROM webhook_deliveries").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let mut monitor = Monitor::new().await;
    let receiver = Server::start(|request| match request.path.as_str() {
        "/old" => Reply::To("/new".to_owned()),
        _ => Reply::ok(),
    })
    .await;
    down(&mut monitor, &receiver.url("/old")).await;
    let worker = monitor.start_worker();
    monitor.until("SELECT count(*) = 1 FROM sides.fang_tasks WHERE state = 'retried'").await;
    worker.stop().await;
    let reason = monitor.text("SELECT last_error FROM webhook_deliveries WHERE delivered_at IS NULL").await;
    assert!(reason.contains("redirects are not followed"), "{reason}");
    let paths: Vec<String> = receiver.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/old"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_in_the_private_network_is_told_nothing() {
    let mut monitor = Monitor::new().await;
    let receiver = Server::always(Reply::ok()).await;
    down(&mut monitor, &receiver.url("/")).await;
    let worker = monitor.start_worker_over(monitor.database.url(), false);
    let refused = "SELECT count(*) = 1 FROM sides.job_history \
                   WHERE kind = 'deliver_webhook' AND outcome = 'discarded'";
    monitor.until(refused).await;
    worker.stop().await;
    let reason = monitor.text("SELECT last_error FROM webhook_deliveries").await;
    assert!(reason.contains("private address"), "{reason}");
    assert_eq!(receiver.count(), 0);
}
