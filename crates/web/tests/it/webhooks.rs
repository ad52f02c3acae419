//! Webhooks over the API and the page.

use reqwest::Method;
use serde_json::json;
use testing::TestDatabase;

use crate::{fixture::Web, rows};

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_once() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let body = json!({ "url": "https://hooks.example/status" });
    let added = web.send(Method::POST, "/api/webhooks", &body).await;
    assert_eq!(added.status, 201, "{}", added.body);
    let secret = added.json()["secret"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 64);
    let list = web.api(Method::GET, "/api/webhooks").await;
    assert_eq!(list.json()["webhooks"][0]["url"], "https://hooks.example/status");
    let session = web.sign_in().await;
    let page = web.get_as(&session, "/webhooks").await;
    assert!(page.body.contains("https://hooks.example/status"));
    for shown in [&list.body, &page.body, &web.program.output()] {
        assert!(!shown.contains(&secret), "{shown}");
    }
    let place = format!("/api/webhooks/{}", added.json()["id"]);
    assert_eq!(web.api(Method::DELETE, &place).await.status, 204);
    assert_eq!(web.api(Method::DELETE, &place).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_adds_refuses_and_deletes() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let session = web.sign_in().await;
    let refused = web.post_as(&session, "/webhooks", &[("url", "http://127.0.0.1/hook")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("private address") && refused.body.contains("http://127.0.0.1/hook"));
    let added = web.post_as(&session, "/webhooks", &[("url", "https://hooks.example/")]).await;
    assert_eq!(added.status, 200);
    assert!(added.body.contains("shown this once"));
    assert_eq!(rows::count(&database, "webhooks").await, 1);
    let gone = web.post_as(&session, "/webhooks/1/delete", &[]).await;
    assert_eq!((gone.status, gone.place()), (303, "/webhooks"));
    assert_eq!(rows::count(&database, "webhooks").await, 0);
}
