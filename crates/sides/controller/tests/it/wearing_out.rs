//! A worker that wears out before its time is recycled: once, by its number of jobs or by its memory.

use platform::local::control::Done;
use testing::wait_until;

use crate::{
    fixture::{PATIENCE, Scene},
    host::Host,
    watching::{controller, idler},
};

/// A worker that a host runs, and the controller that looks after it with this setting.
async fn orders_with(setting: (&str, &str), jobs: u32) -> (Vec<String>, Vec<String>) {
    let mut scene = Scene::new().await;
    let url = scene.database.url().clone();
    let host = Host::that(Ok(Done::Done));
    let worker = idler(&url, "worker", &[]).await;
    scene.until_ready(1).await;
    host.runs("worker", 3, &worker).await;
    scene
        .questions
        .run(&format!(
            "INSERT INTO sides.runners (id, instance, release, kinds, concurrency, lease_until)
             SELECT id, id, release, '{{}}', 4, now() + interval '1 hour' FROM sides.instances;
             INSERT INTO sides.job_history (id, kind, queue, outcome, attempt, owner, created_at, scheduled_at, duration_us)
             SELECT gen_random_uuid(), 'ping', 'default', 'succeeded', 1, id, now(), now(), 1
             FROM sides.instances, generate_series(1, {jobs})"
        ))
        .await;
    let _controller =
        controller(&url, &[host.variable(), ("RECYCLE", "off"), ("RECONCILE_SECONDS", "1"), setting]).await;
    // Later rounds see the first one's row, and leave the instance alone.
    scene.goes_on("heartbeat").await;
    if jobs >= 10 || setting.0 == "RECYCLE_MEMORY_MB" {
        wait_until("it is recycled", PATIENCE, async || !host.orders().is_empty()).await;
        scene.goes_on("heartbeat").await;
    }
    (host.orders(), scene.actions("worker").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_so_many_jobs() {
    let (orders, rows) = orders_with(("RECYCLE_JOBS", "10"), 10).await;
    assert_eq!(orders.len(), 1, "{orders:?}");
    assert!(orders[0].starts_with("restart worker.3; controller "), "{orders:?}");
    assert!(orders[0].contains("it has run 10 jobs; RECYCLE_JOBS is 10"), "{orders:?}");
    assert!(rows.iter().any(|row| row.starts_with("recycle; done in ")), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn not_after_fewer() {
    let (orders, rows) = orders_with(("RECYCLE_JOBS", "10"), 9).await;
    assert_eq!((orders, rows.iter().any(|row| row.starts_with("recycle"))), (Vec::new(), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_its_memory() {
    let (orders, rows) = orders_with(("RECYCLE_MEMORY_MB", "1"), 0).await;
    assert_eq!(orders.len(), 1, "{orders:?}");
    assert!(orders[0].contains("of memory are beyond 1 MB"), "{orders:?}");
    assert!(rows.iter().any(|row| row.starts_with("recycle; done in ")), "{rows:?}");
}
