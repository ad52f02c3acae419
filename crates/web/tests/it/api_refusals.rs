//! What the API refuses, and what it says then.

use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use testing::TestDatabase;

use crate::{
    fixture::{Answer, TOKEN, Web, command},
    rows,
};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_summary_is_answered_without_the_token() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let session = web.sign_in().await;
    for path in
        ["/api/services", "/api/services/1", "/api/services/1/pings", "/api/incidents", "/api/webhooks"]
    {
        let answer = web.get(path).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (401, Some("unauthenticated")));
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        assert_eq!(web.get_as(&session, path).await.status, 401, "a cookie does not count: {path}");
    }
    let wrong = Answer::to(web.request(Method::DELETE, "/api/services/1").bearer_auth("guessed")).await;
    assert_eq!(wrong.status, 401);
    assert!(!web.program.output().contains(TOKEN), "the log shows the token");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_in_its_environment_web_names_the_variable() {
    let database = TestDatabase::create().await;
    let web = Web::run(&mut command(database.url())).await;
    let answer = web.api(Method::GET, "/api/services").await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("ADMIN_TOKEN"), "{}", answer.body);
    assert_eq!(web.get("/").await.status, 200, "reading needs no token");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_is_named_and_nothing_is_written() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let cases: [(Value, &str); 7] = [
        (json!({ "name": "x" }), "url"),
        (json!({ "name": "x".repeat(101), "url": "https://a.example" }), "name"),
        (json!({ "name": "x", "url": "not an address" }), "url"),
        (json!({ "name": "x", "url": "http://169.254.169.254/latest" }), "url"),
        (json!({ "name": "x", "url": "http://user:secret@a.example" }), "url"),
        (json!({ "name": "x", "url": "https://a.example", "interval_seconds": 1 }), "interval_seconds"),
        (json!({ "name": "x", "url": "https://a.example", "expected_text": "a\u{0}b" }), "expected_text"),
    ];
    for (body, field) in cases {
        let answer = web.send(Method::POST, "/api/services", &body).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.body);
        assert_eq!(answer.json()["error"]["fields"][0]["field"], field, "{body}");
    }
    assert_eq!(rows::count(&database, "services WHERE url IS NOT NULL").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_explained() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let typo = json!({ "name": "x", "url": "https://a.example", "intervall": 5 });
    let answer = web.send(Method::POST, "/api/services", &typo).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("intervall"), "{}", answer.body);
    let answer = web.send(Method::PATCH, "/api/services/1", &json!({ "colour": "red" })).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("colour"), "{}", answer.body);
    let long = "x".repeat(40_000);
    let request = web.request(Method::POST, "/api/services").bearer_auth(TOKEN);
    let answer = Answer::to(request.header(CONTENT_TYPE, "application/json").body(long)).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (413, Some("too_large")));
    let request = web.request(Method::POST, "/api/services").bearer_auth(TOKEN);
    let answer = Answer::to(request.header(CONTENT_TYPE, "text/plain").body("{}")).await;
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].as_str()),
        (415, Some("unsupported_media_type"))
    );
    let answer = web.api(Method::PUT, "/api/services").await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (405, Some("method_not_allowed")));
    assert!(answer.headers["allow"].to_str().unwrap().contains("POST"));
    for path in ["/api/services/x", "/api/services/99999", "/api/nothing"] {
        let answer = web.api(Method::GET, path).await;
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].as_str()),
            (404, Some("not_found")),
            "{path}"
        );
    }
    assert_eq!(web.api(Method::GET, "/api/services?limit=many").await.status, 400);
    for moment in ["-262143-01-01T00:00:00Z", "%2B262142-12-31T23:59:59Z", "%2B10000-01-01T00:00:00Z"] {
        let answer = web.api(Method::GET, &format!("/api/services/1/pings?before={moment}")).await;
        assert_eq!(answer.status, 400, "{moment}: {}", answer.body);
        assert!(answer.body.contains("0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z"), "{}", answer.body);
    }
    let positions = json!(["x", "https://a.example"]);
    assert_eq!(web.send(Method::POST, "/api/services", &positions).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_process_stays_and_gets_no_address() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let answer = web.api(Method::DELETE, "/api/services/1").await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (409, Some("own_process")));
    let url = json!({ "url": "https://elsewhere.example/" });
    assert_eq!(web.send(Method::PATCH, "/api/services/1", &url).await.status, 422);
    let interval = json!({ "interval_seconds": 20 });
    assert_eq!(web.send(Method::PATCH, "/api/services/1", &interval).await.status, 200);
    assert_eq!(rows::count(&database, "services WHERE process IS NOT NULL AND url IS NULL").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_at_once_the_later_is_refused_and_the_first_lasts() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let id = rows::add_service(&database, "Shop", "https://shop.example/", "up").await;
    let held = rows::hold(
        &database,
        &format!("UPDATE services SET name = 'Store', updated_at = clock_timestamp() WHERE id = {id}"),
    )
    .await;
    let (path, change) = (format!("/api/services/{id}"), json!({ "interval_seconds": 30 }));
    let (answer, ()) = tokio::join!(web.send(Method::PATCH, &path, &change), async {
        rows::wait_for_a_lock(&database).await;
        held.commit().await;
    });
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (409, Some("conflict")));
    let kept = "services WHERE name = 'Store' AND interval_seconds = 60";
    assert_eq!(rows::count(&database, kept).await, 1);
}
