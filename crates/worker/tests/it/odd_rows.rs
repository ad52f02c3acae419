//! One row costs one row, in the real worker.

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
