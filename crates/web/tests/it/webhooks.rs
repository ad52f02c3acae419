//! Webhooks over the API and the page.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use testing::{TestDatabase, wait_until};

use crate::{fixture::Web, rows};

const PATIENCE: Duration = Duration::from_secs(60);

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

#[tokio::test(flavor = "multi_thread")]
async fn one_address_is_added_once_when_two_ask_at_once() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let body = json!({ "url": "https://hooks.example/" });
    // Everybody may look, nobody may add, until two of them have looked.
    let gate = rows::hold(&database, "LOCK TABLE webhooks IN EXCLUSIVE MODE").await;
    let two =
        futures_util::future::join_all([(); 2].map(|()| web.send(Method::POST, "/api/webhooks", &body)));
    let open = async {
        let waiting = "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        wait_until("both wait", PATIENCE, async || rows::count(&database, waiting).await == 2).await;
        gate.commit().await;
    };
    let (answers, ()) = futures_util::future::join(two, open).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422]);
    assert_eq!(rows::count(&database, "webhooks").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_paused_and_resumed() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let session = web.sign_in().await;
    web.post_as(&session, "/webhooks", &[("url", "https://hooks.example/")]).await;
    let done = web.post_as(&session, "/webhooks/1/pause", &[]).await;
    assert_eq!((done.status, done.place()), (303, "/webhooks"));
    let paused = async || rows::count(&database, "webhooks WHERE disabled_at IS NOT NULL").await;
    assert_eq!(paused().await, 1);
    assert!(web.get_as(&session, "/webhooks").await.body.contains("not sent later"));
    assert_eq!(web.api(Method::POST, "/api/webhooks/1/resume").await.status, 204);
    assert_eq!(paused().await, 0);
    assert_eq!(web.api(Method::POST, "/api/webhooks/1/pause").await.status, 204);
    assert_eq!(web.post_as(&session, "/webhooks/1/resume", &[]).await.status, 303);
    assert_eq!(paused().await, 0);
    assert_eq!(web.post_as(&session, "/webhooks/2/pause", &[]).await.status, 404);
}
