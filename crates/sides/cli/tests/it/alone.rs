//! Each process on its own: it starts, works and stops while the others are away.

use nix::sys::signal::Signal;
use testing::{TestDatabase, wait_until};

use crate::{
    http::{http, post},
    rows,
    sandbox::{PATIENCE, Sandbox},
    single::Single,
    site::Site,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_fires_while_the_others_are_away_and_the_worker_works_without_web() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["clock"]).on(&database);
    let site = Site::open().await;
    rows::add_service(database.url(), "site", &site.url()).await;

    let clock = Single::start(&sandbox, "clock", database.url()).await;
    let ticks = "sides.ticks WHERE schedule = 'ping_due_services'";
    wait_until("ticks are fired", PATIENCE, async || rows::count(database.url(), ticks).await >= 2).await;
    let waiting = "sides.fang_tasks WHERE kind = 'ping_due_services' AND state = 'new'";
    assert!(rows::count(database.url(), waiting).await >= 1, "nothing waits for the worker");
    clock.end(Signal::SIGTERM).await;
    assert_eq!(site.requests().len(), 0, "the clock pings nobody");

    // What the clock left is worked on now, with nobody else around.
    let worker = Single::start(&sandbox, "worker", database.url()).await;
    wait_until("the site is pinged", PATIENCE, async || !site.requests().is_empty()).await;
    let stored = "pings JOIN services ON services.id = service_id WHERE name = 'site' AND ok";
    wait_until("its ping is stored", PATIENCE, async || rows::count(database.url(), stored).await >= 1).await;
    worker.end(Signal::SIGTERM).await;
    assert!(site.requests()[0].line.starts_with("GET / "), "{:?}", site.requests()[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn web_takes_orders_while_the_worker_is_away() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web"]).on(&database);
    let site = Site::open().await;
    let web = Single::start(&sandbox, "web", database.url()).await;
    let page =
        rows::word(database.url(), "SELECT public_address AS word FROM sides.instances").await.unwrap();
    let service = serde_json::json!({ "name": "site", "url": site.url() });
    let request = post(&format!("http://{page}/api/services"), &service);
    let added = request.bearer_auth(Single::ADMIN_TOKEN).send().await.unwrap();
    assert_eq!(added.status(), 201, "{}", added.text().await.unwrap());
    let waiting = "sides.fang_tasks WHERE kind = 'ping_service' AND state = 'new'";
    assert_eq!(rows::count(database.url(), waiting).await, 1, "the first ping waits for a worker");
    assert_eq!(site.requests().len(), 0);

    let worker = Single::start(&sandbox, "worker", database.url()).await;
    wait_until("the site is pinged", PATIENCE, async || !site.requests().is_empty()).await;
    worker.end(Signal::SIGKILL).await;
    assert_eq!(http().get(format!("http://{page}/")).send().await.unwrap().status(), 200);
    web.end(Signal::SIGTERM).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_without_a_dev_reads_what_runs_from_the_database() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["clock"]).on(&database);
    assert_eq!(sandbox.run(&["status"]).status.code(), Some(3));
    let clock = Single::start(&sandbox, "clock", database.url()).await;
    let status = sandbox.status();
    assert_eq!(status["phase"], "not_running");
    assert_eq!(
        (&status["instances"][0]["process"], &status["instances"][0]["state"]),
        (&"clock".into(), &"ready".into())
    );
    let output = sandbox.run(&["status"]);
    assert_eq!(output.status.code(), Some(0));
    let said = crate::sandbox::text(&output.stdout);
    assert!(said.contains("● clock") && said.contains("release dev"), "{said}");
    clock.end(Signal::SIGINT).await;
    assert_eq!(sandbox.run(&["status"]).status.code(), Some(3));
}
