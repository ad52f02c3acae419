//! The application's own processes are pinged where their instances answer.

use models::Service;

use crate::{
    fixture::Monitor,
    server::{Reply, Server, closed},
};

async fn instance(monitor: &mut Monitor, address: impl std::fmt::Display, state: &str, heartbeat: &str) {
    monitor
        .run(&format!(
            "INSERT INTO sides.instances (id, process, release, host, pid, ops_address, state, heartbeat_at) \
             VALUES (gen_random_uuid(), 'web', 'dev', 'here', 1, '{address}', '{state}', \
                 now() - interval '{heartbeat}')"
        ))
        .await;
}

async fn web(monitor: &mut Monitor) -> Service {
    let id = monitor.number("SELECT id FROM services WHERE process = 'web'").await;
    models::services::find(&mut monitor.c, id).await.unwrap().unwrap()
}

const LAST: &str = "SELECT coalesce(error, 'ok') FROM pings ORDER BY due_at DESC LIMIT 1";

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_up_while_one_of_its_instances_answers() {
    let mut monitor = Monitor::new().await;
    let web = web(&mut monitor).await;
    let worker = monitor.start_worker();
    monitor.ping(&web, 50).await;
    assert_eq!(monitor.text(LAST).await, "no instance of web is running");

    let silent = closed().await;
    instance(&mut monitor, silent, "ready", "4 s").await;
    monitor.ping(&web, 40).await;
    let refused = "the connection was refused: nothing listens there";
    assert_eq!(monitor.text(LAST).await, format!("no instance of web answers: {silent}: {refused}"));
    assert_eq!(monitor.text("SELECT string_agg(error_kind, ' ') FROM incidents").await, "refused");

    let alive = Server::always(Reply::ok()).await;
    instance(&mut monitor, alive.address, "ready", "1 s").await;
    monitor.ping(&web, 30).await;
    assert_eq!(monitor.text(LAST).await, "ok");
    assert_eq!(monitor.number("SELECT count(*) FROM incidents WHERE closed_at IS NULL").await, 0);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_stopped_or_are_long_silent_are_not_asked() {
    let mut monitor = Monitor::new().await;
    let web = web(&mut monitor).await;
    let worker = monitor.start_worker();
    let (gone, lost, alive) = (
        Server::always(Reply::ok()).await,
        Server::always(Reply::ok()).await,
        Server::always(Reply::ok()).await,
    );
    instance(&mut monitor, gone.address, "stopped", "1 s").await;
    instance(&mut monitor, lost.address, "ready", "2 minutes").await;
    monitor.ping(&web, 20).await;
    assert_eq!(monitor.text(LAST).await, "no instance of web is running");
    instance(&mut monitor, alive.address, "draining", "1 s").await;
    monitor.ping(&web, 10).await;
    assert_eq!(monitor.text(LAST).await, "ok");
    worker.stop().await;
    assert_eq!((gone.count(), lost.count(), alive.count()), (0, 0, 1));
    assert_eq!(alive.requests()[0].path, "/livez");
}
