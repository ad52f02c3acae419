//! Pages as servers really send them: compressed, in other encodings, with cookies, as streams, large.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use models::ErrorKind;
use worker::fetch::{Clients, Fetcher, Target};

use crate::{
    fetching::{fault, target},
    server::{Reply, Server},
};

const TEXT: &str = "all is well in Gr\u{fc}nau";

fn fetcher() -> Fetcher {
    Fetcher::new(&Clients::new("true".parse().unwrap(), "sides/test").unwrap()).unwrap()
}

fn expecting(text: &str) -> Target<'_> {
    Target { expected_text: Some(text), ..target() }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    brotli::CompressorWriter::new(&mut compressed, 4096, 5, 22).write_all(bytes).unwrap();
    compressed
}

#[tokio::test]
async fn compressed_pages_are_read() {
    let page = format!("<html>{}<p>{TEXT}", "<p>more".repeat(1000));
    for (encoding, body) in [
        ("gzip", gzip(page.as_bytes())),
        ("br", brotli(page.as_bytes())),
        ("deflate", deflate(page.as_bytes())),
    ] {
        let server = Server::always(Reply::Bytes(format!("Content-Encoding: {encoding}\r\n"), body)).await;
        let seen = fetcher().fetch(&server.url("/"), &expecting(TEXT)).await;
        assert_eq!(seen.failure, None, "{encoding}");
        let asked = server.requests()[0].header("Accept-Encoding").unwrap_or_default().to_owned();
        assert!(asked.contains(encoding), "{asked}");
        let (kind, _) = fault(fetcher().fetch(&server.url("/"), &expecting("all is lost")).await);
        assert_eq!(kind, ErrorKind::TextMissing, "{encoding}");
    }
}

#[tokio::test]
async fn what_cannot_be_unpacked_is_said_so() {
    for (encoding, body) in
        [("gzip", b"not gzip at all".to_vec()), ("br", vec![0xff; 64]), ("deflate", raw_deflate(b"x"))]
    {
        let server = Server::always(Reply::Bytes(format!("Content-Encoding: {encoding}\r\n"), body)).await;
        let (kind, words) = fault(fetcher().fetch(&server.url("/"), &expecting(TEXT)).await);
        assert_eq!(kind, ErrorKind::Protocol, "{encoding}: {words}");
        assert!(words.contains("compressed"), "{words}");
    }
    let server = Server::always(Reply::Bytes("Content-Encoding: zstd\r\n".to_owned(), vec![1; 64])).await;
    let (kind, words) = fault(fetcher().fetch(&server.url("/"), &expecting(TEXT)).await);
    assert_eq!(kind, ErrorKind::TextMissing);
    assert!(words.contains("compressed as \"zstd\""), "{words}");
}

#[tokio::test]
async fn an_answer_that_grows_without_end_is_cut() {
    // 64 MiB from 64 KiB.
    let bomb = gzip(&vec![b' '; 64 << 20]);
    let server = Server::always(Reply::Bytes("Content-Encoding: gzip\r\n".to_owned(), bomb)).await;
    let patient = Target { timeout: Duration::from_secs(60), ..expecting(TEXT) };
    let (kind, words) = fault(fetcher().fetch(&server.url("/"), &patient).await);
    assert_eq!(kind, ErrorKind::BodyTooLarge, "{words}");
}

#[tokio::test]
async fn pages_in_other_encodings_are_read() {
    let latin: Vec<u8> = TEXT.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let wide: Vec<u8> = [0xfeff].into_iter().chain(TEXT.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let said = [b"<meta charset='windows-1252'>".to_vec(), latin.clone()].concat();
    for (content_type, body) in [
        ("text/html; charset=ISO-8859-1", latin),
        ("text/html", wide),
        ("text/html", said),
        ("text/html; charset=utf-8", TEXT.as_bytes().to_vec()),
    ] {
        let server = Server::always(Reply::Bytes(format!("Content-Type: {content_type}\r\n"), body)).await;
        let seen = fetcher().fetch(&server.url("/"), &expecting(TEXT)).await;
        assert_eq!(seen.failure, None, "{content_type}");
    }
}

#[tokio::test]
async fn a_cookie_goes_along_a_redirect_and_no_further() {
    let server = Server::start(|request| match (request.path.as_str(), request.header("Cookie")) {
        // As sign-on pages do: the same address again, once the browser has shown that it keeps cookies.
        ("/", Some(cookie)) if cookie.contains("seen=yes") => Reply::ok(),
        ("/", _) => Reply::Raw(
            "HTTP/1.1 302 Found\r\nSet-Cookie: seen=yes; Path=/\r\nLocation: /\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n",
        ),
        _ => Reply::Answer("404 Not Found", String::new()),
    })
    .await;
    let fetcher = fetcher();
    for fetches in 1..=2 {
        let seen = fetcher.fetch(&server.url("/"), &target()).await;
        assert_eq!(seen.failure, None);
        assert_eq!(server.count(), 2 * fetches, "each fetch begins without cookies");
    }
}

#[tokio::test]
async fn a_stream_of_events_is_up_as_soon_as_it_begins() {
    let stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: all is well\n\n";
    let server = Server::always(Reply::ThenSilence(stream)).await;
    let begun = Instant::now();
    assert_eq!(fetcher().fetch(&server.url("/"), &target()).await.failure, None);
    assert_eq!(fetcher().fetch(&server.url("/"), &expecting("all is well")).await.failure, None);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_large_page_is_up_and_its_end_is_read() {
    let page = format!("{}{TEXT}", " ".repeat(8 << 20)).into_bytes();
    let server = Server::always(Reply::Bytes(String::new(), page)).await;
    let patient = Target { timeout: Duration::from_secs(60), ..target() };
    assert_eq!(fetcher().fetch(&server.url("/"), &patient).await.failure, None);
    let patient = Target { timeout: Duration::from_secs(60), ..expecting(TEXT) };
    assert_eq!(fetcher().fetch(&server.url("/"), &patient).await.failure, None);
}

#[tokio::test]
async fn chunks_are_one_page() {
    let chunks =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nall is\r\n5\r\n well\r\n0\r\n\r\n";
    let server = Server::always(Reply::Raw(chunks)).await;
    assert_eq!(fetcher().fetch(&server.url("/"), &expecting("all is well")).await.failure, None);
}
