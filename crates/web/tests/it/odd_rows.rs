//! One row costs one row, on every page.

#[path = "../../../models/tests/rows/odd.rs"]
mod odd;

use reqwest::Method;
use testing::{TestDatabase, fill_with_odd_rows};

use crate::{fixture::Web, rows};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_tables_hold_operations_shows_the_rest() {
    let database = TestDatabase::create().await;
    fill_with_odd_rows(&mut database.connect().await, "note", "good").await;
    let web = Web::start(database.url()).await;
    let session = web.sign_in().await;
    let page = web.get_as(&session, "/operations").await;
    assert_eq!(page.status, 200, "{}\n{}", page.body, web.program.output());
    // A process, a kind and a schedule.
    for expected in ["odd-", "note", "web"] {
        assert!(page.body.contains(expected), "{expected}");
    }
    assert!(!page.body.contains("<blink>"));
    let (status, answer) = web.program.get("/status").await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_tables_hold_each_page_and_list_shows_the_rest() {
    let database = TestDatabase::create().await;
    let good = rows::add_service(&database, "good service", "http://127.0.0.1:1/", "up").await;
    odd::fill_monitor_with_odd_rows(&mut database.connect().await, good).await;
    let ids = rows::numbers(&database, "SELECT id AS number FROM services").await;
    assert!(ids.len() > 25, "{ids:?}");
    let web = Web::start(database.url()).await;
    let session = web.sign_in().await;

    let mut bad = Vec::new();
    let good_page = format!("/services/{good}");
    for (path, expected) in [
        ("/", "good service"),
        ("/incidents", "good service"),
        ("/webhooks", "http://127.0.0.1:1/"),
        ("/operations", "web"),
        (&good_page, "good service"),
    ] {
        for (who, page) in [("anyone", web.get(path).await), ("admin", web.get_as(&session, path).await)] {
            let is_shown = page.status == 200 && page.body.contains(expected);
            // Without a session some only lead to the sign-in.
            if !(is_shown || who == "anyone" && page.status == 303) || page.body.contains("<blink>") {
                bad.push(format!("{path} for {who}: {}", page.status));
            }
            if page.body.len() > 1_000_000 {
                bad.push(format!("{path} for {who} has {} bytes", page.body.len()));
            }
        }
    }
    for id in &ids {
        for path in [format!("/services/{id}"), format!("/services/{id}/edit")] {
            let page = web.get_as(&session, &path).await;
            if page.status != 200 {
                bad.push(format!("{path}: {}", page.status));
            }
        }
        for path in [format!("/api/services/{id}"), format!("/api/services/{id}/pings?limit=1000")] {
            let answer = web.api(Method::GET, &path).await;
            if answer.status != 200 {
                bad.push(format!("{path}: {}", answer.body));
            }
        }
    }
    for (path, list, least) in [
        ("/api/services?limit=1000", "services", 25),
        // All but the one whose number that is.
        ("/api/services?limit=1000&after=-9223372036854775808", "services", ids.len() - 1),
        ("/api/incidents?limit=1000", "incidents", 10),
        ("/api/webhooks", "webhooks", 10),
    ] {
        let answer = web.api(Method::GET, path).await;
        let count = match answer.status {
            200 => answer.json()[list].as_array().unwrap().len(),
            _ => 0,
        };
        if count < least {
            bad.push(format!("{path}: {count}, {}", answer.status));
        }
    }
    let answer = web.api(Method::GET, "/api/summary").await;
    if answer.status != 200 {
        bad.push(format!("/api/summary: {}", answer.body));
    }
    assert!(bad.is_empty(), "{}\n{}", bad.join("\n"), web.program.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_an_odd_row_ends_in_words() {
    let database = TestDatabase::create().await;
    let good = rows::add_service(&database, "good service", "http://127.0.0.1:1/", "up").await;
    odd::fill_monitor_with_odd_rows(&mut database.connect().await, good).await;
    let ids = rows::numbers(&database, "SELECT id AS number FROM services").await;
    let web = Web::start(database.url()).await;
    let mut bad = Vec::new();
    for id in ids {
        for verb in ["pause", "resume", "ping"] {
            let path = format!("/api/services/{id}/{verb}");
            let answer = web.api(Method::POST, &path).await;
            if !(200..500).contains(&answer.status) {
                bad.push(format!("{path}: {} {}", answer.status, answer.body));
            }
        }
    }
    assert!(bad.is_empty(), "{}\n{}", bad.join("\n"), web.program.output());
}
