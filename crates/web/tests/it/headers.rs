//! What every answer carries, and what it is measured by.

use reqwest::Method;
use testing::TestDatabase;

use crate::fixture::{Answer, Web};

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_protected() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    for path in ["/", "/sign-in", "/nothing", "/api/summary", "/api/services"] {
        let headers = web.get(path).await.headers;
        assert!(
            headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"),
            "{path}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["cache-control"], "no-store", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_needs_comes_from_here_and_is_kept() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let page = web.get("/").await.body;
    let named: Vec<&str> = page.split('"').filter(|text| text.starts_with("/assets/")).collect();
    assert!(named.len() >= 3, "{named:?}");
    for asset in named {
        let answer = web.get(asset).await;
        assert_eq!(answer.status, 200, "{asset}");
        assert!(answer.headers["cache-control"].to_str().unwrap().contains("immutable"), "{asset}");
    }
    assert!(!page.contains("http://") && !page.contains("https://"), "nothing from elsewhere");
    assert!(!page.contains(" style=") && !page.contains("onclick"), "the policy forbids it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_by_head_is_answered() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let answer = Answer::to(web.request(Method::HEAD, "/")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_route() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    for path in ["/services/1", "/services/2", "/.env", "/wp-admin"] {
        web.get(path).await;
    }
    let (_, metrics) = web.program.get("/metrics").await;
    let count = |labels: &str| {
        let line = metrics
            .lines()
            .find(|line| line.starts_with("http_request_duration_seconds_count") && line.contains(labels));
        line.unwrap_or_else(|| panic!("{labels}: {metrics}")).rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(count("route=\"/services/{id}\",status=\"200\""), "2");
    assert_eq!(count("route=\"unknown\",status=\"404\""), "2");
}
