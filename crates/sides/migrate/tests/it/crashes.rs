//! Killed anywhere, the next run converges.

use std::time::Duration;

use sides_migrate::Event;
use testing::{TestDatabase, wait_until};

use crate::lane::{Heard, ask, client, down, hasty, lane, up};

const SECONDS: Duration = Duration::from_secs(20);
const TABLE: &str = "CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 1000)";
const INDEX: &str = "CREATE INDEX CONCURRENTLY t_n ON t (n)";

async fn validity(database: &TestDatabase) -> String {
    ask(
        &client(database).await,
        "SELECT string_agg(indisvalid::text, ' ') FROM pg_index WHERE indrelid = 't'::regclass",
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_build_killed_half_way_is_built_again() {
    let database = TestDatabase::empty().await;
    up(&database, &lane(&[(TABLE, "")])).await.unwrap();
    // The build waits for this old transaction.
    let mut other = client(&database).await;
    let old = other.transaction().await.unwrap();
    old.batch_execute("LOCK TABLE t IN ROW EXCLUSIVE MODE").await.unwrap();

    let all = lane(&[(TABLE, ""), (INDEX, "")]);
    let (url, lane) = (database.url().clone(), all.clone());
    let told = Heard::default();
    let mut listener = told.listener();
    let first = tokio::spawn(async move { sides_migrate::apply(&url, &lane, &hasty(), &mut listener).await });
    let eye = client(&database).await;
    let building = "SELECT pid FROM pg_stat_progress_create_index WHERE relid = to_regclass('t')";
    wait_until("the build waits", SECONDS, async || ask(&eye, building).await != "NULL").await;
    let waits = |event: &Event| match event {
        Event::Builds { migration, phase, waits_for, .. } => {
            migration == "2_m"
                && phase == "waiting for writers before build"
                && waits_for[0].starts_with("pid ")
        }
        _ => false,
    };
    wait_until("it is said how far it is", SECONDS, async || told.count(waits) > 0).await;
    ask(&eye, &format!("pg_terminate_backend(({building}))")).await;
    first.await.unwrap().unwrap_err();
    old.rollback().await.unwrap();
    assert_eq!(validity(&database).await, "false", "it was not killed half way");

    let heard = Heard::default();
    let done = sides_migrate::apply(database.url(), &all, &hasty(), &mut heard.listener()).await.unwrap();
    assert_eq!(done, ["2_m"]);
    assert_eq!(heard.count(|event| *event == Event::Rebuilds { index: "public.t_n".to_owned() }), 1);
    assert_eq!(validity(&database).await, "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn if_not_exists_does_not_keep_an_invalid_index() {
    let database = TestDatabase::empty().await;
    let eye = client(&database).await;
    eye.batch_execute("CREATE TABLE t AS SELECT 1 AS n UNION ALL SELECT 1").await.unwrap();
    eye.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY t_n ON t (n)").await.unwrap_err();
    assert_eq!(validity(&database).await, "false");
    up(&database, &lane(&[("CREATE INDEX CONCURRENTLY IF NOT EXISTS t_n ON t (n)", "")])).await.unwrap();
    assert_eq!(validity(&database).await, "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_but_not_recorded_is_recognised() {
    let database = TestDatabase::empty().await;
    let all = lane(&[
        (TABLE, ""),
        ("CREATE TABLE before (); CREATE INDEX CONCURRENTLY t_n ON t (n); CREATE TABLE after ()", ""),
    ]);
    up(&database, &all[..1]).await.unwrap();
    let eye = client(&database).await;
    // As a runner leaves it that dies between the statement and its record.
    eye.batch_execute("CREATE TABLE before ()").await.unwrap();
    eye.batch_execute(INDEX).await.unwrap();
    eye.batch_execute(
        "INSERT INTO sides_migrate.steps (version, direction, step, statement, started_at, finished_at)
         VALUES ('2', 'up', 1, 'CREATE TABLE before ()', now(), now()), ('2', 'up', 2, 'CREATE INDEX CONCURRENTLY t_n ON t (n)', now(), NULL)",
    )
    .await
    .unwrap();
    assert_eq!(up(&database, &all).await.unwrap(), ["2_m"]);
    assert_eq!(ask(&eye, "to_regclass('after')").await, "after");
    assert_eq!(
        ask(&eye, "SELECT count(*) FROM sides_migrate.steps WHERE version = '2' AND finished_at IS NOT NULL")
            .await,
        "3"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_someone_elses_is_not_taken_for_ours() {
    let database = TestDatabase::empty().await;
    let all = lane(&[(TABLE, ""), (INDEX, "")]);
    up(&database, &all[..1]).await.unwrap();
    let eye = client(&database).await;
    eye.batch_execute("CREATE INDEX t_n ON t ((n + 1))").await.unwrap();
    for _ in 0..2 {
        let error = up(&database, &all).await.unwrap_err().to_string();
        assert!(error.contains("relation \"t_n\" already exists"), "{error}");
    }
    assert_eq!(validity(&database).await, "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_index_that_finds_duplicates_does_not_stay() {
    let database = TestDatabase::empty().await;
    let all = lane(&[
        ("CREATE TABLE t (n int); INSERT INTO t VALUES (1), (1)", ""),
        ("CREATE UNIQUE INDEX CONCURRENTLY t_n ON t (n)", ""),
    ]);
    let error = up(&database, &all).await.unwrap_err().to_string();
    assert!(error.contains("Key (n)=(1) is duplicated"), "{error}");
    assert_eq!(validity(&database).await, "NULL");
    client(&database).await.batch_execute("DELETE FROM t WHERE ctid = '(0,1)'").await.unwrap();
    assert_eq!(up(&database, &all).await.unwrap(), ["2_m"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_boundary_between_statements_is_a_place_to_go_on_from() {
    let whole = "CREATE TABLE t (n int); CREATE INDEX CONCURRENTLY t_a ON t (n); INSERT INTO t VALUES (1);
                 DROP INDEX CONCURRENTLY t_a; INSERT INTO t VALUES (2)";
    for broken_at in 0..5 {
        let database = TestDatabase::empty().await;
        let mut statements: Vec<&str> = whole.split("; ").flat_map(|part| part.split(";\n")).collect();
        statements[broken_at] = "SELECT 1/0";
        let broken = lane(&[(&statements.join(";"), "")]);
        let error = up(&database, &broken).await.unwrap_err().to_string();
        assert!(error.contains("division by zero"), "{error}");
        if broken_at > 0 {
            assert!(error.contains(&format!("{broken_at} of its 5 statements stay applied")), "{error}");
        }
        let mended = lane(&[(whole, "DROP TABLE t")]);
        assert_eq!(up(&database, &mended).await.unwrap(), ["1_m"]);
        let eye = client(&database).await;
        assert_eq!(
            ask(&eye, "SELECT string_agg(n::text, ' ' ORDER BY n) FROM t").await,
            "1 2",
            "broken at {broken_at}"
        );

        // After a down it all runs again, although the record has every step.
        down(&database, &mended).await.unwrap();
        assert_eq!(up(&database, &mended).await.unwrap(), ["1_m"]);
        assert_eq!(ask(&eye, "SELECT count(*) FROM t").await, "2");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_half_detached_is_detached() {
    let database = TestDatabase::empty().await;
    let table =
        "CREATE TABLE p (n int) PARTITION BY LIST (n); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)";
    let all = lane(&[(table, ""), ("ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY", "")]);
    up(&database, &all[..1]).await.unwrap();
    let mut other = client(&database).await;
    let old = other.transaction().await.unwrap();
    old.batch_execute("SELECT * FROM p").await.unwrap();
    let (url, lane) = (database.url().clone(), all.clone());
    let first = tokio::spawn(async move { sides_migrate::apply(&url, &lane, &hasty(), &mut |_| {}).await });
    let eye = client(&database).await;
    wait_until("it is half way", SECONDS, async || {
        ask(&eye, "SELECT bool_or(inhdetachpending) FROM pg_inherits WHERE inhparent = 'p'::regclass").await
            == "true"
    })
    .await;
    ask(&eye, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'migrate'").await;
    first.await.unwrap().unwrap_err();
    old.rollback().await.unwrap();
    assert_eq!(up(&database, &all).await.unwrap(), ["2_m"]);
    assert_eq!(ask(&eye, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'p'::regclass").await, "0");
}
