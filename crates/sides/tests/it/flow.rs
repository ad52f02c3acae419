//! The whole application, end to end: a service is added, pinged, dies, is reported, comes back.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use testing::{TestDatabase, wait_until};

use crate::{
    http::{http, post},
    rows,
    sandbox::{PATIENCE, Sandbox},
    site::{Request, Site},
};

const SECRET: &str = "known to the receiver";

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_added_goes_down_is_reported_and_comes_back() {
    let database = TestDatabase::create().await;
    let url = database.url();
    let sandbox = Sandbox::new().on(&database);
    let (mut site, receiver) = (Site::open().await, Site::open().await);
    let hook = format!("INSERT INTO webhooks (url, secret) VALUES ('{}', '{SECRET}')", receiver.url());
    rows::execute(url, &hook).await;

    let mut dev = sandbox.dev();
    let page = dev.ready().await;
    let token = std::fs::read_to_string(sandbox.file(".sides/admin_token")).unwrap();
    let service = json!({
        "name": "the site",
        "url": site.url(),
        "interval_seconds": 5,
        "timeout_ms": 1000,
        "failures_before_incident": 1,
    });
    let request = post(&format!("{page}/api/services"), &service);
    let refused = request.try_clone().unwrap().send().await.unwrap();
    assert_eq!(refused.status(), 401, "without the token");
    let added = request.bearer_auth(token.trim()).send().await.unwrap();
    assert_eq!(added.status(), 201, "{}", added.text().await.unwrap());

    wait_until("it is pinged", PATIENCE, async || !site.requests().is_empty()).await;
    let state =
        "SELECT state AS word FROM service_states JOIN services ON id = service_id WHERE name = 'the site'";
    let is = async |wanted: &str| rows::word(url, state).await.as_deref() == Some(wanted);
    wait_until("it is up", PATIENCE, async || is("up").await).await;
    let shown = http().get(&page).send().await.unwrap().text().await.unwrap();
    assert!(shown.contains("the site"), "the page does not show it");

    site.die().await;
    wait_until("it is down", PATIENCE, async || is("down").await).await;
    let incidents = "incidents JOIN services ON services.id = service_id WHERE name = 'the site'";
    assert_eq!(rows::count(url, &format!("{incidents} AND closed_at IS NULL")).await, 1);
    wait_until("the receiver is told", PATIENCE, async || !receiver.requests().is_empty()).await;
    check(&receiver.requests()[0], "incident.opened");

    site.come_back().await;
    wait_until("it is up again", PATIENCE, async || is("up").await).await;
    assert_eq!(rows::count(url, &format!("{incidents} AND closed_at IS NOT NULL")).await, 1);
    assert_eq!(rows::count(url, incidents).await, 1, "one outage is one incident");
    wait_until("the receiver is told again", PATIENCE, async || receiver.requests().len() >= 2).await;
    check(&receiver.requests()[1], "incident.closed");

    dev.interrupt();
    assert_eq!(dev.ended().await.code(), Some(0));
    assert_eq!(receiver.requests().len(), 2, "at most one notification per transition");
    assert_eq!(sandbox.residents(), []);
}

/// As a receiver does it: with nothing but the secret and the request.
fn check(request: &Request, event: &str) {
    assert_eq!(request.header("sides-event"), event);
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{}.{}", request.header("sides-timestamp"), request.body).as_bytes());
    let expected: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(request.header("sides-signature"), format!("v1={expected}"));
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert!(body.to_string().contains("the site"), "{body}");
}
