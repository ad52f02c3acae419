//! `dev` on the way up, while it runs, and on its way down.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _};

use nix::sys::signal::Signal;
use testing::TestDatabase;

use crate::{
    http::http,
    sandbox::{Sandbox, signal, text},
};

#[tokio::test(flavor = "multi_thread")]
async fn from_nothing_to_a_page_that_answers_and_back() {
    let sandbox = Sandbox::new();
    let mut dev = sandbox.dev();
    let page = dev.ready().await;
    assert!(page.starts_with("http://127.0.0.1:"), "{page}");
    let answer = http().get(&page).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("<html"));

    let status = sandbox.status();
    assert_eq!(status["phase"], "running");
    assert_eq!(status["postgres"]["state"], "ready");
    let names: Vec<_> = status["processes"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["web", "worker", "clock"]);
    assert_eq!(sandbox.run(&["status"]).status.code(), Some(0));

    let token_file = sandbox.file(".sides/admin_token");
    let token = fs::read_to_string(&token_file).unwrap();
    assert_eq!(fs::metadata(&token_file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(dev.said().contains(".sides/admin_token"), "the hint is missing");
    for (pid, command_line) in sandbox.residents() {
        assert!(!command_line.contains(token.trim()), "{pid} shows the token: {command_line}");
    }

    dev.interrupt();
    assert_eq!(dev.ended().await.code(), Some(0));
    assert_eq!(sandbox.residents(), []);
    let said = dev.said();
    assert!(said.contains("Everything has stopped."), "{said}");
    assert!(!said.contains(token.trim()), "the token is in the output");
    assert!(!said.contains('\u{1b}'), "colour or cursor codes without a terminal");
    assert_eq!(sandbox.run(&["status"]).status.code(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_everything_too_and_only_its_user_can_reach_the_socket() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["clock"]).on(&database);
    let mut dev = sandbox.dev();
    dev.ready().await;
    let mode = |name: &str| fs::metadata(sandbox.file(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(".sides/run"), mode(".sides/run/dev.sock")), (0o700, 0o600));
    assert!(!sandbox.file(".sides/postgres").exists(), "DATABASE_URL names another one");

    signal(dev.pid(), Signal::SIGTERM);
    assert_eq!(dev.ended().await.code(), Some(0));
    assert_eq!(sandbox.residents(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_port_is_said_and_the_next_free_one_taken() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web"]).on(&database);
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port();
    let mut dev = sandbox.dev_with(&["--port", &port.to_string()]);
    let said = dev.says(&format!("port {port} is in use; serving on ")).await;
    let page = dev.ready().await;
    let taken: u16 = page.rsplit(':').next().unwrap().parse().unwrap();
    assert!(taken > port, "{taken} is not behind {port}");
    assert!(said.contains(&taken.to_string()), "{said}");
    dev.interrupt();
    dev.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_prints_has_its_name_in_front() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["clock"]).on(&database);
    fs::write(sandbox.file("Procfile.a"), "a: sh -c 'printf \"one\\033[2Jtwo\\n\"; exec sleep 60'\n")
        .unwrap();
    let mut dev = sandbox.dev();
    assert_eq!(dev.says("onetwo").await, "a     │ onetwo");
    let stopped = sandbox.run(&["stop"]);
    assert_eq!(stopped.status.code(), Some(0), "{}", text(&stopped.stderr));
    assert_eq!(dev.ended().await.code(), Some(0));
    assert_eq!(sandbox.residents(), []);
}
