//! The database goes away and comes back; web says so and goes on.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use testing::{Cable, TestDatabase, wait_until};

use crate::{fixture::Web, rows};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn visitors_are_told_and_what_was_accepted_is_there() {
    let database = TestDatabase::create().await;
    let cable = Cable::to(database.url()).await;
    let web = Web::start(cable.url()).await;
    let body = json!({ "name": "Shop", "url": "https://shop.example/" });
    assert_eq!(web.send(Method::POST, "/api/services", &body).await.status, 201);
    cable.cut();
    let page = web.get("/").await;
    assert_eq!(page.status, 503);
    assert!(page.body.contains("try again in a few seconds"), "{}", page.body);
    let refused = web.send(Method::POST, "/api/services", &body).await;
    assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (503, Some("unavailable")));
    assert_eq!(refused.headers["retry-after"], "5");
    assert_eq!(web.program.get("/livez").await.0, 200, "no reason to be restarted");
    cable.mend();
    wait_until("it answers again", SOON, async || web.get("/").await.status == 200).await;
    assert_eq!(web.send(Method::POST, "/api/services", &body).await.status, 201);
    assert_eq!(rows::count(&database, "services WHERE name = 'Shop'").await, 2);
    assert_eq!(rows::count(&database, "sides.fang_tasks WHERE kind = 'ping_service'").await, 2);
}
