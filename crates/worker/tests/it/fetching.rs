//! What a fetch makes of good and bad servers.

use std::time::{Duration, Instant};

use models::ErrorKind;
use reqwest::Method;
use worker::fetch::{Clients, Fetcher, Seen, Target};

use crate::server::{Reply, Server, closed};

pub(crate) fn target() -> Target<'static> {
    Target {
        method: Method::GET,
        timeout: Duration::from_secs(10),
        expected_status: 200..=299,
        expected_text: None,
    }
}

fn fetcher() -> Fetcher {
    Fetcher::new(&Clients::new("true".parse().unwrap(), "sides/test").unwrap()).unwrap()
}

/// The kind and the words of what went wrong.
#[track_caller]
pub(crate) fn fault(seen: Seen) -> (ErrorKind, String) {
    let failure = seen.failure.expect("the fetch fails");
    (failure.kind, failure.text)
}

#[tokio::test]
async fn a_good_answer_is_good_and_says_who_asked() {
    let server = Server::always(Reply::ok()).await;
    let text = Target { expected_text: Some("is well"), ..target() };
    let seen = fetcher().fetch(&server.url("/health?a=1"), &text).await;
    assert_eq!((seen.failure, seen.status), (None, Some(200)));
    assert!(seen.latency > Duration::ZERO);
    let request = &server.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/health?a=1"));
    assert!(request.header("User-Agent").unwrap().starts_with("sides/"), "{request:?}");
}

#[tokio::test]
async fn the_method_is_the_one_that_was_chosen() {
    let server = Server::always(Reply::Raw("HTTP/1.1 204 No Content\r\n\r\n")).await;
    for method in [Method::HEAD, Method::POST] {
        let seen = fetcher().fetch(&server.url("/"), &Target { method, ..target() }).await;
        assert_eq!(seen.failure, None);
    }
    let methods: Vec<String> = server.requests().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, ["HEAD", "POST"]);
}

#[tokio::test]
async fn another_status_than_expected_is_named_with_what_was_expected() {
    let server = Server::always(Reply::Answer("503 Service Unavailable", String::new())).await;
    let seen = fetcher().fetch(&server.url("/"), &target()).await;
    assert_eq!(seen.status, Some(503));
    let words = "the answer was 503 Service Unavailable, expected was 200 to 299";
    assert_eq!(fault(seen), (ErrorKind::UnexpectedStatus, words.to_owned()));
    let as_expected = Target { expected_status: 503..=503, ..target() };
    assert_eq!(fetcher().fetch(&server.url("/"), &as_expected).await.failure, None);
}

#[tokio::test]
async fn a_missing_text_is_named() {
    let server = Server::always(Reply::ok()).await;
    let seen =
        fetcher().fetch(&server.url("/"), &Target { expected_text: Some("Welcome"), ..target() }).await;
    let words = "the text \"Welcome\" is not in the answer of 11 bytes";
    assert_eq!(fault(seen), (ErrorKind::TextMissing, words.to_owned()));
}

#[tokio::test]
async fn nothing_listens() {
    let (kind, words) = fault(fetcher().fetch(&format!("http://{}/", closed().await), &target()).await);
    assert_eq!(kind, ErrorKind::Refused, "{words}");
}

#[tokio::test]
async fn a_host_that_never_answers_costs_its_timeout_and_no_more() {
    for (bytes, expected, status) in [
        ("", "no answer came within 200ms", None),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "had not ended within 200ms", Some(200)),
    ] {
        let server = Server::always(Reply::ThenSilence(bytes)).await;
        let started = Instant::now();
        let short = Target { timeout: Duration::from_millis(200), ..target() };
        let seen = fetcher().fetch(&server.url("/"), &short).await;
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        assert_eq!(seen.status, status);
        let (kind, words) = fault(seen);
        assert_eq!(kind, ErrorKind::Timeout);
        assert!(words.ends_with(expected), "{words}");
    }
}

#[tokio::test]
async fn a_host_that_drips_costs_its_timeout_and_no_more() {
    let server = Server::always(Reply::Drip).await;
    let started = Instant::now();
    let short = Target { timeout: Duration::from_millis(300), ..target() };
    let seen = fetcher().fetch(&server.url("/"), &short).await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(fault(seen).0, ErrorKind::Timeout);
}

#[tokio::test]
async fn a_head_without_end_is_cut() {
    let server = Server::always(Reply::EndlessHead).await;
    let (kind, words) = fault(fetcher().fetch(&server.url("/"), &target()).await);
    assert_eq!(kind, ErrorKind::Protocol, "{words}");
}

#[tokio::test]
async fn a_body_without_end_is_cut() {
    let server = Server::always(Reply::Endless).await;
    assert_eq!(fetcher().fetch(&server.url("/"), &target()).await.failure, None, "it answers");
    let missing = Target { expected_text: Some("an end"), timeout: Duration::from_secs(60), ..target() };
    let (kind, words) = fault(fetcher().fetch(&server.url("/"), &missing).await);
    assert_eq!(kind, ErrorKind::BodyTooLarge);
    assert!(words.contains("\"an end\" is not in the first 32 MiB"), "{words}");
    // Whatever comes after the text does not matter.
    let there = Target { expected_text: Some("end in sight no"), ..target() };
    assert_eq!(fetcher().fetch(&server.url("/"), &there).await.failure, None);
}

#[tokio::test]
async fn redirects_are_followed_but_not_in_circles() {
    let server = Server::start(|request| match request.path.as_str() {
        "/old" => Reply::To("/new".to_owned()),
        "/new" => Reply::ok(),
        "/circle" => Reply::To("/circle/2".to_owned()),
        "/circle/2" => Reply::To("/circle".to_owned()),
        "/ftp" => Reply::To("ftp://127.0.0.1/".to_owned()),
        further => Reply::To(format!("{further}x")),
    })
    .await;
    assert_eq!(fetcher().fetch(&server.url("/old"), &target()).await.failure, None);
    for (path, expected) in [
        ("/circle", "form a loop"),
        ("/on", "more than 10 redirects"),
        ("/ftp", "not an http or https address"),
    ] {
        let (kind, words) = fault(fetcher().fetch(&server.url(path), &target()).await);
        assert_eq!(kind, ErrorKind::Redirect, "{words}");
        assert!(words.contains(expected), "{words}");
    }
    assert_eq!(server.count(), 2 + 2 + 11 + 1);
}

#[tokio::test]
async fn what_is_not_http_and_what_breaks_off_are_told_apart() {
    let server = Server::always(Reply::Raw("SSH-2.0-OpenSSH_9.2\r\n")).await;
    let (kind, words) = fault(fetcher().fetch(&server.url("/"), &target()).await);
    assert_eq!(kind, ErrorKind::Protocol, "{words}");
    for bytes in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"] {
        let server = Server::always(Reply::Raw(bytes)).await;
        let (kind, words) = fault(fetcher().fetch(&server.url("/"), &target()).await);
        assert_eq!(kind, ErrorKind::Connection, "{words}");
        assert!(words.contains("closed before the answer ended"), "{words}");
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_said_so() {
    for url in ["", "example.com", "ftp://example.com/", "https://ann:pw@example.com/"] {
        assert_eq!(fault(fetcher().fetch(url, &target()).await).0, ErrorKind::BadUrl, "{url}");
    }
}
