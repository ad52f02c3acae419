//! What becomes of web's connections when they can no longer do their work.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use diesel_async::SimpleAsyncConnection as _;
use reqwest::Method;
use serde_json::json;
use testing::{Bouncer, Program, TestDatabase, wait_until};

use crate::{
    fixture::{TOKEN, Web, command},
    rows,
};

const SOON: Duration = Duration::from_secs(30);

/// A web with two connections, both of which have answered.
async fn warm(database: &TestDatabase) -> Web {
    let mut command = command(database.url());
    let web = Web::run(command.env("ADMIN_TOKEN", TOKEN).env("DATABASE_POOL_SIZE", "2")).await;
    web.program.answers("/readyz", 200, "ready").await;
    for _ in 0..4 {
        let (one, other) = tokio::join!(web.api(Method::GET, "/api/services"), web.get("/"));
        assert_eq!((one.status, other.status), (200, 200));
    }
    web
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reader_sees_that_a_column_got_another_type() {
    let database = TestDatabase::create().await;
    rows::add_service(&database, "Shop", "https://shop.example/", "up").await;
    let web = warm(&database).await;
    for change in [
        "ALTER TABLE services ALTER COLUMN name TYPE varchar",
        "ALTER TABLE incidents ALTER COLUMN error TYPE varchar",
        "ALTER TABLE service_states ALTER COLUMN state TYPE varchar",
    ] {
        rows::execute(&database, change).await;
        for path in ["/api/services", "/api/summary", "/api/incidents"] {
            let answer = web.api(Method::GET, path).await;
            assert_eq!(answer.status, 200, "{change}, {path}: {}", answer.body);
        }
        assert_eq!(web.get("/").await.status, 200, "{change}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reader_sees_that_all_sessions_were_ended() {
    let database = TestDatabase::create().await;
    let web = warm(&database).await;
    for _ in 0..3 {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name LIKE 'web@%'";
        rows::execute(&database, end).await;
        assert_eq!(web.api(Method::GET, "/api/services").await.status, 200);
        assert_eq!(web.get("/").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_began_while_nothing_could_be_written_writes_once_it_can() {
    let database = TestDatabase::create().await;
    let set = async |value: &str| {
        let name = database.url().database();
        let server = database.url().with_database("postgres");
        let mut connection = database::connect(&server).await.unwrap();
        let statement = format!("ALTER DATABASE {name} SET default_transaction_read_only = {value}");
        connection.batch_execute(&statement).await.unwrap();
    };
    set("on").await;
    let program = Program::start(command(database.url()).env("ADMIN_TOKEN", TOKEN));
    program.answers("/readyz", 503, "read-only").await;
    set("off").await;
    program.answers("/readyz", 200, "ready").await;
    drop(program);

    // The same when it was there before, and its sessions are all new.
    let web = warm(&database).await;
    set("on").await;
    let end = "SET default_transaction_read_only = off;
               SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name LIKE 'web@%'";
    let mut connection = database::connect(&database.url().with_target(database::Target::Any)).await.unwrap();
    connection.batch_execute(end).await.unwrap();
    let body = json!({ "name": "Shop", "url": "https://shop.example/" });
    assert_eq!(web.send(Method::POST, "/api/services", &body).await.status, 503);
    web.program.answers("/readyz", 503, "read-only").await;
    set("off").await;
    let since = Instant::now();
    wait_until("it writes again", SOON, async || {
        web.send(Method::POST, "/api/services", &body).await.status == 201
    })
    .await;
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    web.program.answers("/readyz", 200, "ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_table_costs_its_readers_a_moment_and_web_its_readiness() {
    let database = TestDatabase::create().await;
    let mut command = command(database.url());
    command.env("ADMIN_TOKEN", TOKEN);
    command.env("DATABASE_LOCK_TIMEOUT_MS", "1000").env("DATABASE_STATEMENT_TIMEOUT_MS", "2000");
    let web = Web::run(&mut command).await;
    web.program.answers("/readyz", 200, "ready").await;
    let mut locker = database.connect().await;
    locker.batch_execute("BEGIN; LOCK TABLE services").await.unwrap();
    let answered = AtomicUsize::new(0);
    let reader = async || {
        let since = Instant::now();
        let answer = web.get("/").await;
        assert_eq!(answer.status, 503);
        assert!(answer.body.contains("try again in a few seconds"), "{}", answer.body);
        assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
        answered.fetch_add(1, Ordering::Relaxed);
    };
    tokio::join!(
        reader(),
        reader(),
        reader(),
        reader(),
        reader(),
        reader(),
        reader(),
        reader(),
        reader(),
        reader(),
        async { web.program.answers("/readyz", 503, "queries: ").await },
    );
    assert_eq!(answered.load(Ordering::Relaxed), 10);
    assert_eq!(web.program.get("/livez").await.0, 200);
    locker.batch_execute("ROLLBACK").await.unwrap();
    wait_until("it answers again", SOON, async || web.get("/").await.status == 200).await;
    web.program.answers("/readyz", 200, "ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_mixes_sessions_is_refused_and_gets_no_settings() {
    let database = TestDatabase::create().await;
    let bouncer = Bouncer::before(database.url(), &["pool_mode = transaction"]).await;
    let mut program = Program::start(command(bouncer.url()).env("ADMIN_TOKEN", TOKEN));
    assert_eq!(program.ended().await.code(), Some(78), "{}", program.output());
    program.says("DATABASE_DIRECT_URL").await;
    let other = database::client(bouncer.url()).await.unwrap();
    for (setting, usual) in [("enable_seqscan", "on"), ("statement_timeout", "0"), ("role", "none")] {
        let shown = other.simple_query(&format!("SHOW {setting}")).await.unwrap();
        let value = shown.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        assert_eq!(value, Some(usual), "{setting}");
    }
}
