//! One row costs one row, in the real worker.

#[path = "../../../models/tests/rows/odd.rs"]
mod odd;

use testing::fill_with_odd_rows;

use crate::{
    fixture::Monitor,
    processes::start,
    server::{Reply, Server},
};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_tables_hold_the_worker_does_the_rest() {
    let mut monitor = Monitor::new().await;
    // Of one of its own kinds: it claims them, and cannot read what they say.
    fill_with_odd_rows(&mut monitor.c, "ping_service", "good").await;
    let server = Server::always(Reply::ok()).await;
    let service = monitor.add(&server.url("/")).await;
    let worker = start(monitor.database.url());
    worker.answers("/readyz", 200, "ready").await;
    monitor.enqueue_ping(&service, 1).await;
    monitor.until("SELECT count(*) = 1 FROM pings WHERE ok").await;
    // Those that can be run never crash it, and the rest wait for somebody to look.
    let odd = "sides.fang_tasks WHERE id::text LIKE '0dd%' AND kind = 'ping_service'";
    monitor
        .until(&format!(
            "SELECT count(*) = 0 FROM {odd} AND state IN ('new', 'retried') AND parked_by IS NULL
                AND crashes < 2 AND scheduled_at <= now()"
        ))
        .await;
    assert!(monitor.number(&format!("SELECT count(*) FROM {odd} AND parked_by IS NOT NULL")).await > 10);
    monitor.enqueue_ping(&service, 2).await;
    monitor.until("SELECT count(*) = 2 FROM pings WHERE ok").await;
    worker.answers("/livez", 200, "").await;
    worker.answers("/readyz", 200, "ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_services_hold_the_rest_are_pinged_rolled_up_and_pruned() {
    let mut monitor = Monitor::new().await;
    let server = Server::always(Reply::ok()).await;
    let (first, second) = (monitor.add(&server.url("/")).await, monitor.add(&server.url("/")).await);
    odd::fill_monitor_with_odd_rows(&mut monitor.c, first.id).await;
    let count =
        |what: &str| format!("SELECT count(*) FROM pings WHERE service_id = {} AND {what}", second.id);
    // An hour ago, and long ago.
    monitor
        .run(&format!(
            "INSERT INTO pings (service_id, due_at, pinged_at, ok, latency_ms)
             SELECT {}, at, at, true, 5 FROM unnest(ARRAY[now() - interval '70 minutes', now() - interval '9 days']) AS at",
            second.id
        ))
        .await;
    let worker = start(monitor.database.url());
    worker.answers("/readyz", 200, "ready").await;
    for kind in ["ping_due_services", "roll_up_pings", "prune_history"] {
        monitor.run(&format!("SELECT sides.enqueue('{kind}')")).await;
        monitor
            .until(&format!(
                "SELECT count(*) = 1 FROM sides.job_history WHERE kind = '{kind}' AND outcome = 'finished'"
            ))
            .await;
    }
    monitor.until(&format!("({}) > 0", count("ok AND due_at > now() - interval '1 minute'"))).await;
    let hours = format!(
        "SELECT count(*) FROM ping_hours WHERE service_id = {} AND hour = date_trunc('hour', now() - interval '70 minutes')",
        second.id
    );
    assert_eq!(monitor.number(&hours).await, 1, "{}", worker.output());
    assert_eq!(monitor.number(&count("due_at < now() - interval '8 days'")).await, 0, "it was pruned");
    assert_eq!(monitor.number("SELECT count(*) FROM sides.fang_tasks WHERE parked_by IS NOT NULL").await, 0);
    worker.answers("/livez", 200, "").await;
}
