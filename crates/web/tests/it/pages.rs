//! What the pages show, and to whom.

use testing::TestDatabase;

use crate::{fixture::Web, rows};

#[tokio::test(flavor = "multi_thread")]
async fn the_status_page_tells_how_everything_stands() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    assert!(web.get("/").await.body.contains("Some services have had no good ping yet"));
    rows::execute(&database, "UPDATE service_states SET state = 'up', last_ping_at = now()").await;
    web.shows("/", "Everything is up").await;
    let id = rows::add_service(&database, "<b>Shop</b>", "https://shop.example/private", "down").await;
    rows::execute(
        &database,
        &format!(
            "INSERT INTO incidents (service_id, opened_at, error_kind, error)
             VALUES ({id}, now() - interval '5 min', 'timeout', 'https://shop.example/private took too long')"
        ),
    )
    .await;
    let page = web.shows("/", "Some services are down").await;
    for expected in
        ["Some services are down", "&lt;b&gt;Shop&lt;/b&gt;", "No answer in time", "ongoing, for 5 min"]
    {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains("shop.example"), "an address may hold a secret: {page}");
    let session = web.sign_in().await;
    assert!(web.get_as(&session, "/").await.body.contains("took too long"), "who runs it is told more");
    rows::execute(&database, "UPDATE service_states SET last_ping_at = now() - interval '1 h'").await;
    web.shows("/", "Some services were not pinged lately").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bars_count_roll_ups_and_the_hour_that_runs() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let id = rows::add_service(&database, "Shop", "https://shop.example/", "up").await;
    rows::execute(
        &database,
        &format!(
            "INSERT INTO ping_hours VALUES
                 ({id}, date_trunc('hour', now() - interval '3 days'), 60, 0, 20, 30, 40),
                 ({id}, date_trunc('hour', now() - interval '4 days'), 60, 30, 20, 30, 40);
             INSERT INTO pings (service_id, due_at, pinged_at, ok, latency_ms)
             SELECT {id}, now() - n * interval '1 s', now(), true, 12 FROM generate_series(1, 40) AS n"
        ),
    )
    .await;
    let page = web.get(&format!("/services/{id}")).await.body;
    // The raw pings of a moment ago may lie on both sides of midnight; yesterday's are not rolled up then.
    assert!(page.contains("60 pings, all good"), "{page}");
    assert!(page.contains("50.00 % – 30 of 60 pings failed"), "{page}");
    assert!(page.contains("<svg class=\"chart\""), "40 pings make a chart");
    assert_eq!(page.matches("<rect").count(), 90);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_services_page_shows_its_address_to_whoever_runs_it_only() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let id = rows::add_service(&database, "Shop", "https://shop.example/private", "up").await;
    let page = format!("/services/{id}");
    let shown = web.get(&page).await.body;
    assert!(!shown.contains("shop.example") && !shown.contains("Delete") && !shown.contains("form_token"));
    let session = web.sign_in().await;
    let shown = web.get_as(&session, &page).await.body;
    assert!(shown.contains("https://shop.example/private") && shown.contains("Delete"));
    let own = web.get_as(&session, "/services/1").await.body;
    assert!(own.contains("Pause") && !own.contains("Delete"), "an own process stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_show_processes_queue_and_ticks() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    rows::execute(
        &database,
        "INSERT INTO sides.schedules VALUES ('nightly', '17 3 * * *', 'UTC', 'prune', now() + interval '90 min');
         INSERT INTO sides.actions (at, subject, action, asked_by, reason, measured, outcome) VALUES
            (now(), 'worker', 'scale', 'clock 1', '9 jobs wait', '{\"from\": 1, \"to\": 4}', 'done in 2.0 s');
         INSERT INTO sides.memory_trends (process, release, resident_bytes, bytes_per_hour, samples, limit_bytes, full_at)
            VALUES ('worker', 'a1b2', 104857600, 5242880, 40, 209715200, now() + interval '90 min');
         INSERT INTO sides.fang_tasks (metadata) VALUES ('{\"type\": \"from_tomorrow\"}')",
    )
    .await;
    web.program.answers("/readyz", 200, "ready").await;
    let session = web.sign_in().await;
    let page = web.get_as(&session, "/operations").await.body;
    for expected in [
        "from_tomorrow",
        "waits for a build that knows it",
        "nightly",
        "in 1 h 29 min",
        "not running",
        "1 → 4",
        "9 jobs wait",
        "100 MB",
        "+5.0 MB/h",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(page.contains(&format!("· {}", web.program.id())), "its own pid");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_page_says_so() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    for path in ["/nothing", "/services/99999", "/services/x", "/favicon.ico"] {
        let answer = web.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("Not found"), "{path}: {}", answer.body);
    }
}
