//! Start, drain, end.

use std::{
    net::TcpListener,
    os::fd::AsRawFd as _,
    time::{Duration, Instant},
};

use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::signal::Signal,
};
use testing::{Program, TestDatabase, wait_until};

use crate::fixture::{lines, napper_on, states};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_drains_and_readiness_ends_at_once() {
    let database = TestDatabase::create().await;
    let mut program = Program::start(napper_on(database.url()).env("NAP_SECONDS", "6"));
    program.answers("/readyz", 200, "ready").await;
    wait_until("the row says ready", SOON, async || states(&database).await == ["ready"]).await;
    program.signal(Signal::SIGTERM);
    program.answers("/readyz", 503, "draining").await;
    assert_eq!(program.get("/livez").await, (200, "ok\n".to_owned()));
    wait_until("the row says draining", SOON, async || states(&database).await == ["draining"]).await;
    assert_eq!(program.ended().await.code(), Some(0));
    assert_eq!(states(&database).await, ["stopped"]);
    program.says("napper stopped").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_hard() {
    let database = TestDatabase::create().await;
    let mut program = Program::start(napper_on(database.url()).env("NAP_SECONDS", "3600"));
    program.answers("/readyz", 200, "ready").await;
    program.signal(Signal::SIGINT);
    // The same wish, told twice in one moment, is no second one.
    program.signal(Signal::SIGTERM);
    program.answers("/readyz", 503, "draining").await;
    let begun = Instant::now();
    wait_until("an impatient person is heard", SOON, async || {
        program.signal(Signal::SIGINT);
        program.output().contains("ended hard")
    })
    .await;
    assert_eq!(program.ended().await.code(), Some(1));
    assert!(begun.elapsed() < Duration::from_secs(10));
    program.says("SIGINT while draining").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_beyond_its_limit_ends_hard() {
    let database = TestDatabase::create().await;
    let mut command = napper_on(database.url());
    let mut program = Program::start(command.env("NAP_SECONDS", "3600").env("DRAIN_SECONDS", "0"));
    program.answers("/readyz", 200, "ready").await;
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended().await.code(), Some(1));
    program.says("the drain took longer than 0 s").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_that_fails_ends_the_process_with_its_chain_said_once() {
    let database = TestDatabase::create().await;
    let mut command = napper_on(database.url());
    let mut program = Program::start(command.env("NIGHTMARE", "yes").env("NAP_SECONDS", "6"));
    program.answers("/livez", 503, "loop dream: the nap was disturbed: the dog barks").await;
    assert_eq!(program.ended().await.code(), Some(1));
    program.says("napper failed").await;
    let output = program.output();
    assert_eq!(output.matches("the dog barks").count(), 2, "when it happens and at the end: {output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_before_the_database_answers_is_a_stop() {
    let url = "postgres://sides@127.0.0.1:1/nothing".parse().unwrap();
    let mut program = Program::start(&mut napper_on(&url));
    program.answers("/readyz", 503, "database: the database is unavailable").await;
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inherited_socket_is_taken_and_shown() {
    let database = TestDatabase::create().await;
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    fcntl(&socket, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let mut command = napper_on(database.url());
    let program = Program::start(command.env("LISTEN_FD", socket.as_raw_fd().to_string()));
    program.answers("/status", 200, &format!("\"public_address\":\"{address}\"")).await;
    let query = "SELECT public_address AS line FROM sides.instances WHERE public_address IS NOT NULL";
    wait_until("its row says so too", SOON, async || lines(&database, query).await == [address.clone()])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_descriptor_that_is_no_listening_socket_is_refused() {
    let database = TestDatabase::create().await;
    let mut program = Program::start(napper_on(database.url()).env("LISTEN_FD", "77"));
    assert_eq!(program.ended().await.code(), Some(1));
    program.says("LISTEN_FD=77 is not a listening TCP socket").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_the_long_dead_go() {
    let database = TestDatabase::create().await;
    let dead =
        "INSERT INTO sides.instances (id, process, release, host, pid, ops_address, state, heartbeat_at)
        SELECT gen_random_uuid(), 'napper', 'old', 'h', 1, 'a', 'ready', now() - age
        FROM unnest('{2 days,1 hour}'::interval[]) AS age RETURNING release AS line";
    assert_eq!(lines(&database, dead).await.len(), 2);
    let program = Program::start(&mut napper_on(database.url()));
    program.answers("/readyz", 200, "ready").await;
    wait_until("one of two old rows is left", SOON, async || states(&database).await.len() == 2).await;
}
