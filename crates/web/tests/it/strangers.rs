//! Clients that send no end of what they began, or never read what they asked for.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use testing::{TestDatabase, wait_until};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    fixture::{TOKEN, Web, command},
    rows,
};

const STALLED: &[u8] =
    b"POST /sign-in HTTP/1.1\r\nHost: web\r\nContent-Type: application/x-www-form-urlencoded\r\n\
    Content-Length: 30000\r\n\r\ntoken=";

async fn stalled(address: &str, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.ok();
    stream
}

/// What comes until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.expect("it is closed").ok();
    String::from_utf8_lossy(&answer).into_owned()
}

/// What a connection may cost that does not read, in kB.
const PER_CONNECTION: u64 = 512;

/// The memory that a program has, in kB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The same program with a hard limit of descriptors.
fn limited(of: &Command, descriptors: u32) -> Command {
    let mut limited = Command::new("/bin/sh");
    limited.arg("-c").arg(format!("ulimit -n {descriptors} && exec \"$0\"")).arg(of.get_program());
    limited.env_clear().envs(of.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_given_up() {
    let database = TestDatabase::create().await;
    let web = Web::start(database.url()).await;
    let begun = Instant::now();
    let drips: &[u8] = b"POST /api/services HTTP/1.1\r\nHost: web\r\nAuthorization: Bearer only-for-this-test-0123456789\r\n\
        Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (mut silent, mut dripping) =
        (stalled(&web.address, STALLED).await, stalled(&web.address, drips).await);
    let drip = async {
        while dripping.write_all(b"1\r\n \r\n").await.is_ok() && begun.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        rest(&mut dripping).await
    };
    let (silent, dripping) = tokio::join!(rest(&mut silent), drip);
    assert!(silent.starts_with("HTTP/1.1 408"), "{silent}");
    assert!(dripping.is_empty() || dripping.starts_with("HTTP/1.1 408"), "{dripping}");
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_bodies_that_never_come_leave_others_answered() {
    let database = TestDatabase::create().await;
    let mut full = command(database.url());
    full.env("ADMIN_TOKEN", TOKEN);
    let web = Web::run(&mut limited(&full, 1024)).await;
    let mut held = Vec::new();
    for _ in 0..1000 {
        held.push(stalled(&web.address, STALLED).await);
    }
    let begun = Instant::now();
    for _ in 0..5 {
        assert_eq!(web.program.get("/livez").await.0, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "livez took {:?}", begun.elapsed());
    for _ in 0..5 {
        assert_eq!(web.get("/").await.status, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "the page took {:?}", begun.elapsed());
    drop(held);
    assert!(!web.program.output().contains("Too many open files"), "{}", web.program.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_body_does_not_hold_up_the_end() {
    let database = TestDatabase::create().await;
    let mut full = command(database.url());
    let mut web = Web::run(full.env("ADMIN_TOKEN", TOKEN).env("DRAIN_SECONDS", "60")).await;
    let begun = Instant::now();
    let unread = STALLED.strip_suffix(b"token=").unwrap();
    let elsewhere = b"POST /nothing HTTP/1.1\r\nHost: web\r\nContent-Length: 30000\r\n\r\n";
    let held = [
        stalled(&web.address, STALLED).await,
        stalled(&web.address, unread).await,
        stalled(&web.address, elsewhere).await,
    ];
    web.program.answers("/readyz", 200, "ready").await;
    web.program.signal(Signal::SIGTERM);
    assert_eq!(web.program.ended().await.code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_never_read_are_given_up() {
    let database = TestDatabase::create().await;
    rows::execute(
        &database,
        "INSERT INTO services (name, url) SELECT 'Service ' || n, 'https://s.example/' FROM generate_series(1, 200) AS n;
         INSERT INTO service_states (service_id, state, last_ping_at)
             SELECT id, 'up', now() FROM services WHERE url IS NOT NULL",
    )
    .await;
    let web = Web::start(database.url()).await;
    assert_eq!(web.get("/").await.status, 200);
    let before = resident(web.program.id());
    let requests = b"GET / HTTP/1.1\r\nHost: web\r\n\r\n".repeat(400);
    let mut held = Vec::new();
    for _ in 0..400 {
        let mut stream = TcpStream::connect(&web.address).await.unwrap();
        // As much as it takes.
        timeout(Duration::from_millis(50), stream.write_all(&requests)).await.ok();
        held.push(stream);
    }
    assert_eq!(web.get("/").await.status, 200, "others are answered");
    let more = resident(web.program.id()).saturating_sub(before);
    assert!(more < 400 * PER_CONNECTION, "{more} kB more than before");
    let count = || std::fs::read_dir(format!("/proc/{}/fd", web.program.id())).unwrap().count();
    let full = count();
    wait_until("they are given up", Duration::from_secs(60), async || count() + 300 < full).await;
    drop(held);
}
