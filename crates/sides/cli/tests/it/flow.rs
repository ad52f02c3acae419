//! The whole application, end to end, over HTTP alone: a service is added, pinged, dies, is reported, comes back.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use testing::{TestDatabase, wait_until};

use crate::{
    api::Api,
    http::http,
    programs,
    sandbox::{PATIENCE, Sandbox},
    site::{Request, Site},
};

/// From here on Postgres refuses each of them what its build does not declare.
async fn give_each_process_its_role(database: &TestDatabase) {
    let manifests: Vec<planner::Manifest> = ["web", "worker"]
        .iter()
        .map(|program| {
            let output = std::process::Command::new(programs::folder().join(program))
                .arg("--manifest")
                .output()
                .unwrap();
            serde_json::from_slice(&output.stdout).unwrap()
        })
        .collect();
    let granted =
        migrate::grants::grant(database.url(), &manifests, false, &migrate::Options::default(), &mut |_| {})
            .await;
    assert_eq!(granted.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_added_goes_down_is_reported_and_comes_back() {
    let database = TestDatabase::create().await;
    give_each_process_its_role(&database).await;
    let sandbox = Sandbox::new().on(&database);
    let (mut site, receiver) = (Site::open().await, Site::open().await);
    let mut dev = sandbox.dev();
    let page = dev.ready().await;
    let api = Api::new(&page, &std::fs::read_to_string(sandbox.file(".sides/admin_token")).unwrap());
    let secret = api.add("webhooks", &json!({ "url": receiver.url() })).await["secret"].clone();
    let secret = secret.as_str().expect("the secret is shown once");

    let new = json!({
        "name": "the site",
        "url": site.url(),
        "interval_seconds": 5,
        "timeout_ms": 1000,
        "failures_before_incident": 1,
    });
    assert_eq!(api.add_as_a_stranger("services", &new).await, 401);
    let id = api.add("services", &new).await["id"].as_i64().unwrap();
    let is = async |wanted: &str| api.get(&format!("services/{id}")).await["state"] == wanted;
    wait_until("it is up", PATIENCE, async || is("up").await).await;
    assert!(!site.requests().is_empty(), "it is up without having been pinged");
    let pings = api.get(&format!("services/{id}/pings")).await;
    assert_eq!((&pings["pings"][0]["ok"], &pings["pings"][0]["status"]), (&json!(true), &json!(200)));
    // One rendering is shared by all viewers for a moment.
    let shown = async || http().get(&page).send().await.unwrap().text().await.unwrap().contains("the site");
    wait_until("the page shows it", PATIENCE, shown).await;

    site.die().await;
    wait_until("it is down", PATIENCE, async || is("down").await).await;
    let incidents = async || api.get(&format!("incidents?service_id={id}")).await["incidents"].clone();
    let open = incidents().await;
    assert_eq!((&open[0]["error_kind"], &open[0]["closed_at"]), (&json!("refused"), &Value::Null));
    wait_until("the receiver is told", PATIENCE, async || !receiver.requests().is_empty()).await;
    check(&receiver.requests()[0], secret, "incident.opened");

    site.come_back().await;
    wait_until("it is up again", PATIENCE, async || is("up").await).await;
    let closed = incidents().await;
    assert_eq!(
        (closed.as_array().unwrap().len(), &closed[0]["id"]),
        (1, &open[0]["id"]),
        "one outage, one incident"
    );
    assert!(closed[0]["closed_at"].is_string(), "{closed}");
    wait_until("the receiver is told again", PATIENCE, async || receiver.requests().len() >= 2).await;
    check(&receiver.requests()[1], secret, "incident.closed");

    dev.interrupt();
    assert_eq!(dev.ended().await.code(), Some(0));
    assert_eq!(receiver.requests().len(), 2, "at most one notification per transition");
    assert_eq!(sandbox.residents(), []);
}

/// As a receiver does it: with nothing but the secret and the request.
fn check(request: &Request, secret: &str, event: &str) {
    assert_eq!(request.header("sides-event"), event);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{}.{}", request.header("sides-timestamp"), request.body).as_bytes());
    let expected: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(request.header("sides-signature"), format!("v1={expected}"));
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert!(body.to_string().contains("the site"), "{body}");
}
