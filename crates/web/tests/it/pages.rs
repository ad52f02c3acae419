//! What the pages show, and to whom.

use testing::TestDatabase;

use crate::{fixture::Web, rows};

#[tokio::test(flavor = "multi_thread")]
async fn the_status_page_tells_how_everything_stands() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    assert!(web.get("/").await.body.contains("Some services have had no good ping yet"));
    rows::execute(&database, "UPDATE service_states SET state = 'up', last_ping_at = now()").await;
    assert!(web.get("/").await.body.contains("Everything is up"));
    let id = rows::add_service(&database, "<b>Shop</b>", "https://shop.example/private", "down").await;
    rows::execute(
        &database,
        &format!(
            "INSERT INTO incidents (service_id, opened_at, error_kind, error)
             VALUES ({id}, now() - interval '5 min', 'timeout', 'https://shop.example/private took too long')"
        ),
    )
    .await;
    let page = web.get("/").await.body;
    for expected in
        ["Some services are down", "&lt;b&gt;Shop&lt;/b&gt;", "No answer in time", "ongoing, for 5 min"]
    {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains("shop.example"), "an address may hold a secret: {page}");
    let session = web.sign_in().await;
    assert!(web.get_as(&session, "/").await.body.contains("took too long"), "who runs it is told more");
    rows::execute(&database, "UPDATE service_states SET last_ping_at = now() - interval '1 h'").await;
    assert!(web.get("/").await.body.contains("Some services were not pinged lately"), "old news is no news");
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
    let bars = page.matches("<rect").count();
    assert!(
        (3..=4).contains(&bars),
        "{bars}: two days of roll-ups and the hour that runs, around midnight two"
    );
    assert!(page.contains("no pings"), "the other days are one shape");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_services_are_shown_in_parts_and_what_is_down_comes_first() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    for number in 1..=201 {
        rows::add_service(&database, &format!("Shop {number:03}"), "https://shop.example/", "up").await;
    }
    rows::add_service(&database, "Zoo", "https://zoo.example/", "down").await;
    let parts = [web.get("/").await.body, web.get("/?page=2").await.body, web.get("/?page=3").await.body];
    assert!(parts.iter().all(|part| part.contains("Some services are down")), "the sentence is about all");
    let names = |part: &str| -> Vec<String> {
        let links = part.split("class=\"name\"").skip(1);
        let names = links.filter_map(|link| link.split(['>', '<']).nth(1)).map(str::to_owned);
        names.filter(|name| name.starts_with("Shop") || name == "Zoo").collect()
    };
    let shown: Vec<Vec<String>> = parts.iter().map(|part| names(part)).collect();
    assert_eq!(shown.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 2]);
    assert_eq!((shown[0][0].as_str(), shown[2][1].as_str()), ("Zoo", "Shop 201"));
    assert!(parts[1].contains("101–200 of 202") && parts[1].contains("href=\"?page=3\""), "{}", parts[1]);
    assert_eq!(web.get("/?page=x").await.status, 400);
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
         INSERT INTO sides.fang_tasks (metadata) VALUES ('{\"type\": \"from_tomorrow\"}')",
    )
    .await;
    web.program.answers("/readyz", 200, "ready").await;
    let session = web.sign_in().await;
    let page = web.get_as(&session, "/operations").await.body;
    for expected in
        ["from_tomorrow", "waits for a build that knows it", "nightly", "in 1 h 29 min", "not running"]
    {
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
