//! Many services, many viewers, long histories.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::{Method, header::ACCEPT_ENCODING};
use testing::TestDatabase;

use crate::{
    fixture::{Answer, Web},
    rows,
};

/// Services with 90 days of hourly figures, and a state that says that they are up.
async fn fill(database: &TestDatabase, services: u32) {
    rows::execute(
        database,
        &format!(
            "INSERT INTO services (name, url)
                 SELECT 'Service ' || n, 'https://s' || n || '.example/' FROM generate_series(1, {services}) AS n;
             INSERT INTO service_states (service_id, state, last_ping_at)
                 SELECT id, 'up', now() FROM services WHERE url IS NOT NULL;
             INSERT INTO ping_hours
                 SELECT id, hour, 60, (extract(hour FROM hour)::int + id) % 7 / 6, 20, 30, 40 FROM services,
                     generate_series(date_trunc('hour', now() - interval '90 days'), now(), '1 hour') AS hour
                 WHERE url IS NOT NULL;
             ANALYZE"
        ),
    )
    .await;
    let mut connection = database.connect().await;
    for day in models::roll_ups::open_days(&mut connection).await.unwrap() {
        models::roll_ups::write_day(&mut connection, day).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_page_answers_a_crowd_and_sends_little() {
    let database = TestDatabase::create().await;
    fill(&database, 200).await;
    let web = Web::start(database.url()).await;
    for crowd in [60, 200] {
        let begun = Instant::now();
        let ask = || Answer::to(web.request(Method::GET, "/").header(ACCEPT_ENCODING, "identity"));
        let answers = join_all((0..crowd).map(|_| ask())).await;
        let taken = begun.elapsed();
        assert!(answers.iter().all(|answer| answer.status == 200), "{crowd} at once");
        assert!(answers[0].body.len() < 500_000, "{} bytes", answers[0].body.len());
        assert!(answers[0].body.contains("Service 200") && answers[0].body.contains("up over 90 days"));
        assert!(taken < Duration::from_secs(20), "{crowd} at once took {taken:?}");
    }
    for encoding in ["br", "gzip"] {
        let answer = web.request(Method::GET, "/").header(ACCEPT_ENCODING, encoding).send().await.unwrap();
        assert_eq!(answer.headers()["content-encoding"], encoding);
        let sent = answer.bytes().await.unwrap().len();
        assert!(sent < 80_000, "{encoding}: {sent} bytes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_is_sent() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let id = rows::add_service(&database, "Shop", "https://shop.example/", "up").await;
    let first = web.get("/").await;
    let known = first.headers["etag"].to_str().unwrap().to_owned();
    let again = || Answer::to(web.request(Method::GET, "/").header("If-None-Match", &known));
    let unchanged = again().await;
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    rows::execute(&database, &format!("UPDATE service_states SET state = 'down' WHERE service_id = {id}"))
        .await;
    let soon = Duration::from_secs(20);
    testing::wait_until("the page says so", soon, async || again().await.status == 200).await;
    assert!(again().await.body.contains("Some services are down"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_days_on_the_page_are_those_of_the_hours_whoever_sums_them() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let id = rows::add_service(&database, "Shop", "https://shop.example/", "up").await;
    rows::execute(
        &database,
        &format!(
            "INSERT INTO ping_hours SELECT {id}, date_trunc('day', now(), 'UTC') - n * interval '1 day', 60, n, 1, 1, 1
             FROM generate_series(1, 20) AS n"
        ),
    )
    .await;
    let page = format!("/services/{id}");
    let bars = |page: &str| {
        page.split("<rect")
            .skip(1)
            .map(|bar| bar.split("</rect>").next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let from_hours = bars(&web.get(&page).await.body);
    let mut connection = database.connect().await;
    let days = models::roll_ups::open_days(&mut connection).await.unwrap();
    assert_eq!(days.len(), 20);
    // Half of them only, as after a roll-up that was cut off: oldest first.
    for day in &days[..10] {
        models::roll_ups::write_day(&mut connection, *day).await.unwrap();
    }
    assert_eq!(rows::count(&database, "ping_days").await, 10);
    assert_eq!(bars(&web.get(&page).await.body), from_hours);
    for day in models::roll_ups::open_days(&mut connection).await.unwrap() {
        models::roll_ups::write_day(&mut connection, day).await.unwrap();
    }
    assert_eq!(rows::count(&database, "ping_days").await, 20);
    assert_eq!(bars(&web.get(&page).await.body), from_hours);
    // A ping that came late.
    rows::execute(
        &database,
        "UPDATE ping_hours SET failures = 59 WHERE hour = (SELECT max(hour) FROM ping_hours)",
    )
    .await;
    let days = models::roll_ups::open_days(&mut connection).await.unwrap();
    assert!(days.len() <= 9, "{days:?}");
    for day in days {
        models::roll_ups::write_day(&mut connection, day).await.unwrap();
    }
    assert!(web.get(&page).await.body.contains("59 of 60 pings failed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn open_incidents_are_seen_however_many_are_over_since() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    rows::execute(
        &database,
        "INSERT INTO services (name, url) SELECT 'Shop ' || n, 'https://shop.example/' FROM generate_series(1, 25) AS n;
         INSERT INTO service_states (service_id, state, last_ping_at)
             SELECT id, CASE id % 2 WHEN 0 THEN 'down' ELSE 'up' END, now() FROM services WHERE url IS NOT NULL;
         INSERT INTO incidents (service_id, opened_at, error_kind, error)
             SELECT id, now() - interval '30 days', 'timeout', 'still' FROM services WHERE url IS NOT NULL;
         INSERT INTO incidents (service_id, opened_at, closed_at, error_kind, error)
             SELECT 1, now() - n * interval '1 s', now(), 'refused', 'over' FROM generate_series(1, 1000) AS n",
    )
    .await;
    for path in ["/", "/incidents"] {
        let page = web.get(path).await.body;
        assert_eq!(page.matches("ongoing, for").count(), 25, "{path}");
        assert!(page.contains("Open: 25"), "{path}");
        assert!(page.find("ongoing").unwrap() < page.find("Connection refused").unwrap(), "{path}");
    }
    let page = web.get("/").await.body;
    assert!(page.rfind(">Down<").unwrap() < page.find(">Up<").unwrap(), "what is down stands first");
    // Page by page to the end.
    let (mut place, mut seen) = ("/incidents".to_owned(), 0);
    loop {
        let page = web.get(&place).await.body;
        seen += page.matches("Connection refused").count();
        let Some(more) = page.split("href=\"/incidents?before=").nth(1) else { break };
        place = format!("/incidents?before={}", more.split('"').next().unwrap());
    }
    assert_eq!(seen, 1000);
    let own = web.get("/services/1").await.body;
    assert_eq!(own.matches("Connection refused").count(), 20);
}
