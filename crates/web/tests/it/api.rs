//! Services, pings and incidents over the JSON API.

use reqwest::Method;
use serde_json::json;
use testing::TestDatabase;

use crate::{fixture::Web, rows};

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_added_read_changed_and_deleted() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let body = json!({ "name": " Shop ", "url": "https://shop.example/health", "expected_text": "ok" });
    let added = web.send(Method::POST, "/api/services", &body).await;
    assert_eq!(added.status, 201, "{}", added.body);
    let place = added.place().to_owned();
    let service = added.json();
    assert_eq!(service["name"], "Shop");
    assert_eq!(service["state"], "unknown");
    assert_eq!(place, format!("/api/services/{}", service["id"]));
    assert_eq!(web.api(Method::GET, &place).await.json(), service);

    let change = json!({ "interval_seconds": 30, "expected_text": null });
    let changed = web.send(Method::PATCH, &place, &change).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.json()["interval_seconds"], 30);
    assert_eq!(changed.json()["expected_text"], json!(null));
    assert_eq!(changed.json()["url"], "https://shop.example/health", "what is not named stays");

    assert_eq!(web.api(Method::DELETE, &place).await.status, 204);
    assert_eq!(web.api(Method::GET, &place).await.status, 404);
    assert_eq!(rows::count(&database, "services WHERE url IS NOT NULL").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_service_comes_with_its_first_ping_and_gets_no_second_beside_it() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let body = json!({ "name": "Shop", "url": "https://shop.example/" });
    let added = web.send(Method::POST, "/api/services", &body).await.json();
    let jobs = format!(
        "sides.fang_tasks WHERE kind = 'ping_service' AND metadata ->> 'service_id' = '{}'",
        added["id"]
    );
    assert_eq!(rows::count(&database, &jobs).await, 1);
    let ping = web.api(Method::POST, &format!("/api/services/{}/ping", added["id"])).await;
    assert_eq!((ping.status, ping.json()), (202, json!({ "enqueued": true })));
    assert_eq!(rows::count(&database, &jobs).await, 1, "one ping at a time");
    let by = format!("{jobs} AND enqueued_by = 'web@dev'");
    assert_eq!(rows::count(&database, &by).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_service_is_not_pinged_until_it_is_resumed() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let id = rows::add_service(&database, "Shop", "https://shop.example/", "up").await;
    let at = |verb: &str| format!("/api/services/{id}/{verb}");
    let paused = web.api(Method::POST, &at("pause")).await.json();
    assert_eq!(paused["state"], "paused");
    assert!(paused["paused_at"].is_string());
    assert_eq!(web.api(Method::POST, &at("ping")).await.json(), json!({ "enqueued": false }));
    assert_eq!(rows::count(&database, "sides.fang_tasks").await, 0);
    let resumed = web.api(Method::POST, &at("resume")).await.json();
    assert_eq!(resumed["paused_at"], json!(null));
    assert_eq!(rows::count(&database, "sides.fang_tasks").await, 1, "it is pinged at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    for number in 0..3 {
        rows::add_service(&database, &format!("s{number}"), "https://s.example/", "up").await;
    }
    let mut names = Vec::new();
    let mut path = "/api/services?limit=2".to_owned();
    loop {
        let page = web.api(Method::GET, &path).await.json();
        let found = page["services"].as_array().unwrap();
        assert!(found.len() <= 2);
        names.extend(found.iter().map(|service| service["name"].as_str().unwrap().to_owned()));
        if page["next"].is_null() {
            break;
        }
        path = format!("/api/services?limit=2&after={}", page["next"]);
    }
    assert_eq!(names, ["web", "worker", "clock", "s0", "s1", "s2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_and_incidents_are_read() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let id = rows::add_service(&database, "Shop", "https://shop.example/", "down").await;
    rows::execute(
        &database,
        &format!(
            "INSERT INTO pings (service_id, due_at, pinged_at, ok, latency_ms, status, error_kind, error)
             SELECT {id}, now() - n * interval '1 min', now(), false, 7, 500, 'unexpected_status', 'was 500'
             FROM generate_series(1, 3) AS n;
             INSERT INTO incidents (service_id, opened_at, closed_at, error_kind, error)
             VALUES ({id}, now() - interval '2 h', now() - interval '1 h', 'timeout', 'slow'),
                 ({id}, now(), NULL, 'unexpected_status', 'was 500')"
        ),
    )
    .await;
    let page = web.api(Method::GET, &format!("/api/services/{id}/pings?limit=2")).await.json();
    let pings = page["pings"].as_array().unwrap();
    assert_eq!((pings.len(), &pings[0]["status"], &pings[0]["error"]), (2, &json!(500), &json!("was 500")));
    let before = pings[1]["due_at"].as_str().unwrap();
    let rest = web.api(Method::GET, &format!("/api/services/{id}/pings?before={before}")).await.json();
    assert_eq!(rest["pings"].as_array().unwrap().len(), 1);
    let open = web.api(Method::GET, "/api/incidents?open=true").await.json();
    assert_eq!(open["incidents"].as_array().unwrap().len(), 1);
    assert_eq!(open["incidents"][0]["service_name"], "Shop");
    let all = web.api(Method::GET, &format!("/api/incidents?service_id={id}")).await.json();
    assert_eq!(all["incidents"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_is_for_everybody_and_names_no_address() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    rows::add_service(&database, "Shop", "https://shop.example/secret-path", "down").await;
    let answer = web.get("/api/summary").await;
    assert_eq!((answer.status, &answer.json()["down"]), (200, &json!(1)));
    assert!(!answer.body.contains("secret-path"));
}
