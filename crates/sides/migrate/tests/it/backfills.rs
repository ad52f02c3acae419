//! Backfills: killed, paused, held up, beside other changes. Nothing is lost and nothing happens twice.

use std::{fs, path::Path, process::Stdio, time::Duration};

use nix::sys::signal::Signal;
use sides_migrate::{Event, MigrateError, Migration, Options, PaceOptions};
use tempfile::TempDir;
use testing::{Program, TestDatabase, wait_until};
use tokio::process::Command;
use tokio_postgres::Client;

use crate::lane::{Heard, ask, client, hasty, lane, up};

const SECONDS: Duration = Duration::from_secs(60);
/// So many behind the rows that are held that the batch under way when they are let go is never the last.
const TABLE: &str = "CREATE TABLE t (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0);
                     INSERT INTO t SELECT generate_series(1, 80000); ANALYZE t";
/// Not the same twice: a row that is met twice shows.
const FILL: &str = "UPDATE t SET n = n + 1";

fn folder(more: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, up) in [("1_table", TABLE), ("2_fill", FILL)].iter().chain(more) {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("up.sql"), up).unwrap();
    }
    fs::write(folder.path().join("2_fill/metadata.toml"), "phase = \"backfill\"\n").unwrap();
    folder
}

fn program(database: &TestDatabase, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sides-migrate"));
    command.args(arguments).arg("--folder").arg(folder).env("DATABASE_URL", database.url().expose());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn run(database: &TestDatabase, folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = program(database, folder, arguments).output().await.unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

const VISITED: &str = "SELECT max(visited) FROM sides_migrate.backfills";

/// A backfill that has done some rows and cannot go beyond them while `hold` has them.
async fn held_up<'a>(
    database: &TestDatabase,
    folder: &Path,
    hold: &'a mut Client,
) -> (Program, tokio_postgres::Transaction<'a>) {
    assert_eq!(run(database, folder, &["up", "--phase", "expand"]).await.0, Some(0));
    let held = hold.transaction().await.unwrap();
    held.batch_execute("SELECT FROM t WHERE id BETWEEN 15000 AND 15100 FOR UPDATE").await.unwrap();
    let child = Program::start(program(database, folder, &["backfill", "run"]).as_std_mut());
    let eye = client(database).await;
    wait_until("some rows are done", SECONDS, async || {
        ask(&eye, VISITED).await.parse().is_ok_and(|done: i64| done > 0)
    })
    .await;
    (child, held)
}

async fn assert_each_row_was_met_once(database: &TestDatabase) {
    let eye = client(database).await;
    assert_eq!(ask(&eye, "SELECT format('%s %s %s', count(*), min(n), max(n)) FROM t").await, "80000 1 1");
    assert_eq!(ask(&eye, "SELECT changed FROM sides_migrate.backfills").await, "80000");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_with_nine_it_goes_on_where_it_was() {
    let (database, folder) = (TestDatabase::empty().await, folder(&[]));
    let mut hold = client(&database).await;
    let (mut child, held) = held_up(&database, folder.path(), &mut hold).await;
    child.signal(Signal::SIGKILL);
    child.ended().await;
    let eye = client(&database).await;
    let done: i64 = ask(&eye, "SELECT count(*) FROM t WHERE n = 1").await.parse().unwrap();
    assert!(done > 0 && done < 80_000, "{done}");
    assert_eq!(ask(&eye, VISITED).await, done.to_string(), "the checkpoint is of the rows' own transaction");
    held.rollback().await.unwrap();
    wait_until("the killed one's session is gone", SECONDS, async || {
        run(&database, folder.path(), &["backfill", "status"]).await.1.contains("interrupted")
    })
    .await;
    let (code, text) = run(&database, folder.path(), &["backfill", "run"]).await;
    assert!(code == Some(0) && text.contains("applied 2_fill"), "{text}");
    assert_each_row_was_met_once(&database).await;
    let (_, text) = run(&database, folder.path(), &["backfill", "status"]).await;
    assert!(text.contains("2_fill step 1: 80000 rows changed, done"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_rests_while_it_is_paused_and_other_changes_go_on_beside_it() {
    let database = TestDatabase::empty().await;
    let folder =
        folder(&[("3_other", "CREATE TABLE other (n int);"), ("4_same", "ALTER TABLE t ADD COLUMN m int;")]);
    let mut hold = client(&database).await;
    // 3 and 4 only add: they do not wait for a backfill that may take days.
    let (mut child, held) = held_up(&database, folder.path(), &mut hold).await;
    let eye = client(&database).await;
    assert_eq!(
        ask(&eye, "SELECT count(*) FROM information_schema.columns WHERE column_name = 'm'").await,
        "1"
    );

    let (code, text) = run(&database, folder.path(), &["backfill", "run", "--no-wait"]).await;
    assert!(code == Some(75) && text.contains("another runner is running"), "{code:?} {text}");
    let (code, text) = run(&database, folder.path(), &["backfill", "pause"]).await;
    assert!(code == Some(0) && text.contains("1 migration paused"), "{text}");
    held.rollback().await.unwrap();
    child.says("2_fill is paused by ").await;
    let (_, text) = run(&database, folder.path(), &["backfill", "status"]).await;
    assert!(text.contains(" of about 80000 rows (") && text.contains("paused by "), "{text}");
    assert_ne!(ask(&eye, "SELECT count(*) FROM t WHERE n = 1").await, "80000");

    let (_, text) = run(&database, folder.path(), &["backfill", "resume"]).await;
    assert!(text.contains("1 migration resumed") && !text.contains("no runner"), "{text}");
    child.says("applied 2_fill").await;
    assert_eq!(child.ended().await.code(), Some(0), "{}", child.output());
    assert_each_row_was_met_once(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_session_is_replaced() {
    let (database, folder) = (TestDatabase::empty().await, folder(&[]));
    let mut hold = client(&database).await;
    let (mut child, held) = held_up(&database, folder.path(), &mut hold).await;
    let eye = client(&database).await;
    let ended = ask(
        &eye,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name LIKE 'migrate%'",
    )
    .await;
    assert_ne!(ended, "0");
    held.rollback().await.unwrap();
    child.says("the server is unavailable, trying again").await;
    assert_eq!(child.ended().await.code(), Some(0), "{}", child.output());
    assert_each_row_was_met_once(&database).await;
}

fn backfill(text: &str) -> Migration {
    Migration::new("2_m", text, "").with_metadata("phase = \"backfill\"").unwrap()
}

async fn fill(database: &TestDatabase, table: &str, text: &str) -> Result<Vec<String>, MigrateError> {
    let all = [lane(&[(table, "")]).remove(0), backfill(text)];
    let mut options = hasty();
    // Small batches, so that there are many.
    options.pace = PaceOptions { batch: Duration::from_micros(1), share: 1.0, ..PaceOptions::default() };
    sides_migrate::apply(database.url(), &all, &options, &mut |_| {}).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_takes_long_lets_its_rows_go_and_is_cut() {
    let database = TestDatabase::empty().await;
    // The first batch would hold its rows for a second at least.
    let table = "CREATE TABLE t (id bigint PRIMARY KEY, n int DEFAULT 0);
                 INSERT INTO t SELECT generate_series(1, 600);
                 CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS
                     $$ BEGIN PERFORM pg_sleep(0.002); RETURN NEW; END $$;
                 CREATE TRIGGER slowly BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION slowly()";
    let all = [lane(&[(table, "")]).remove(0), backfill(FILL)];
    sides_migrate::apply(database.url(), &all, &hasty(), &mut |_| {}).await.unwrap();
    let eye = client(&database).await;
    assert_eq!(ask(&eye, "SELECT format('%s %s %s', count(*), min(n), max(n)) FROM t").await, "600 1 1");
    let largest = "SELECT max(rows) FROM (SELECT count(*) AS rows FROM t GROUP BY xmin::text) AS batches";
    let largest: i64 = ask(&eye, largest).await.parse().unwrap();
    assert!(largest <= 125, "{largest} rows at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_its_rows_is_named() {
    let database = TestDatabase::empty().await;
    let table = "CREATE TABLE t (id bigint PRIMARY KEY, n int DEFAULT 0); INSERT INTO t SELECT generate_series(1, 90)";
    let all = [lane(&[(table, "")]).remove(0), backfill(FILL)];
    sides_migrate::apply(database.url(), &all[..1], &hasty(), &mut |_| {}).await.unwrap();
    let mut hold = client(&database).await;
    let held = hold.transaction().await.unwrap();
    held.batch_execute("SELECT FROM t WHERE id = 70 FOR UPDATE").await.unwrap();
    // Long enough to be seen, once batches are small enough to wait for so long.
    let options = Options { lock_timeout: Duration::from_secs(1), ..hasty() };
    let heard = Heard::default();
    let refused =
        sides_migrate::apply(database.url(), &all, &options, &mut heard.listener()).await.unwrap_err();
    let own: i32 = held.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let named = format!("held by pid {own}");
    assert!(refused.to_string().contains(&named), "{refused}");
    let told = |event: &Event| matches!(event, Event::Retries { blockers, .. } if !blockers.is_empty());
    assert!(heard.count(told) > 0, "{:?}", heard.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_is_not_slow_any_more() {
    let database = TestDatabase::empty().await;
    let table = "CREATE TABLE t (id bigint PRIMARY KEY, n int DEFAULT 0); INSERT INTO t SELECT generate_series(1, 900)";
    let all = [lane(&[(table, "")]).remove(0), backfill(FILL)];
    // Whoever is there is too many.
    let pace = PaceOptions { active: -1, ..PaceOptions::default() };
    let (options, heard) = (Options { pace, ..hasty() }, Heard::default());
    sides_migrate::apply(database.url(), &all, &options, &mut heard.listener()).await.unwrap();
    let told = |event: &Event| matches!(event, Event::Progress { slow: Some(why), .. } if why == "the server is busy");
    assert!(heard.count(told) > 0, "{:?}", heard.all());
    let eye = client(&database).await;
    assert_eq!(ask(&eye, "SELECT slow FROM sides_migrate.backfills").await, "NULL");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_walked_along_whatever_key_it_has() {
    for (table, text) in [
        (
            "CREATE TABLE t (a text, b timestamptz, n int DEFAULT 0, PRIMARY KEY (a, b));
             INSERT INTO t SELECT 'ä' || g % 7, 'epoch'::timestamptz + g * interval '0.123456 s' FROM generate_series(1, 3000) AS g",
            "UPDATE t AS x SET n = x.n + 1 WHERE true OR false",
        ),
        (
            "CREATE TABLE t (id uuid NOT NULL UNIQUE, n int DEFAULT 0) PARTITION BY HASH (id);
             CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);
             CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1);
             INSERT INTO t SELECT gen_random_uuid() FROM generate_series(1, 3000)",
            "UPDATE public.t SET n = n + 1",
        ),
    ] {
        let database = TestDatabase::empty().await;
        assert_eq!(fill(&database, table, text).await.unwrap(), ["1_m", "2_m"]);
        let eye = client(&database).await;
        assert_eq!(ask(&eye, "SELECT format('%s %s %s', count(*), min(n), max(n)) FROM t").await, "3000 1 1");
        assert_ne!(ask(&eye, "SELECT batches FROM sides_migrate.backfills").await, "1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_key_can_be_deleted_in_batches() {
    let database = TestDatabase::empty().await;
    let table = "CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 3000)";
    fill(&database, table, "DELETE FROM t WHERE n % 3 < 2").await.unwrap();
    let eye = client(&database).await;
    assert_eq!(ask(&eye, "SELECT format('%s %s', count(*), min(n)) FROM t").await, "1000 2");
    assert_eq!(
        ask(&eye, "SELECT format('%s %s', changed, batches > 3) FROM sides_migrate.backfills").await,
        "2000 t"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_key_or_moves_it_is_refused() {
    for (table, text, why) in [
        ("CREATE TABLE t (n int)", "UPDATE t SET n = 1", "t has no primary key and no unique index"),
        (
            "CREATE TABLE t (n int PRIMARY KEY)",
            "UPDATE t SET n = n + 1",
            "it sets n, along which the table is walked",
        ),
    ] {
        let database = TestDatabase::empty().await;
        let refused = fill(&database, table, text).await.unwrap_err().to_string();
        assert!(refused.contains(why) && refused.starts_with("migrations/2_m/up.sql line 1"), "{refused}");
        // Nobody has to wait for the release to hear of it.
        let all = [lane(&[(table, "")]).remove(0), backfill(text)];
        let found =
            sides_migrate::check::check(database.url(), &all, |one| one.version() == "2").await.unwrap();
        assert!(found[0].is_refused() && found[0].problems[0].contains(why), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_backfill_stops_those_that_need_it() {
    let (database, folder) = (TestDatabase::empty().await, folder(&[]));
    let mut hold = client(&database).await;
    let (mut child, held) = held_up(&database, folder.path(), &mut hold).await;
    run(&database, folder.path(), &["backfill", "pause", "2_fill"]).await;
    child.signal(Signal::SIGKILL);
    child.ended().await;
    held.rollback().await.unwrap();
    let (code, text) = run(&database, folder.path(), &["up"]).await;
    assert!(code == Some(4) && text.contains("2_fill is paused by "), "{code:?} {text}");
    let (_, text) = run(&database, folder.path(), &["backfill", "resume"]).await;
    assert!(text.contains("no runner is running"), "{text}");
    let all = Migration::read_all(folder.path()).unwrap();
    assert_eq!(up(&database, &all).await.unwrap(), ["2_fill"]);
    assert_each_row_was_met_once(&database).await;
}
