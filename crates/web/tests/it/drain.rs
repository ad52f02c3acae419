//! The end of a process is not the end of a request.

use nix::sys::signal::Signal;
use testing::TestDatabase;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    fixture::{TOKEN, Web},
    rows,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_has_begun_is_finished_and_who_comes_late_is_answered_too() {
    let database = TestDatabase::create().await;
    let mut web = Web::start(database.url()).await;
    let id = rows::add_service(&database, "Shop", "https://shop.example/", "up").await;
    // The request is under way for as long as the test wants.
    let held = rows::hold(&database, &format!("SELECT FROM services WHERE id = {id} FOR UPDATE")).await;
    let mut stream = TcpStream::connect(&web.address).await.unwrap();
    let request = format!(
        "POST /api/services/{id}/pause HTTP/1.1\r\nHost: web\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    rows::wait_for_a_lock(&database).await;

    web.program.signal(Signal::SIGTERM);
    web.program.answers("/readyz", 503, "draining").await;
    let late = web.get("/api/summary").await;
    assert_eq!((late.status, &late.headers["connection"]), (200, &"close".parse().unwrap()));
    held.commit().await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("\"state\":\"paused\""), "{answer}");
    assert_eq!(web.program.ended().await.code(), Some(0));
    assert_eq!(rows::count(&database, "services WHERE paused_at IS NOT NULL").await, 1);
}
