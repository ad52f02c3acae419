//! The program killed with signal 9 at every boundary between statements, and inside one: the next run converges.

use std::{fs, path::Path, process::Stdio, time::Duration};

use sides_migrate::shadow::catalogue;
use tempfile::TempDir;
use testing::{TestDatabase, wait_until};
use tokio::process::{Child, Command};

use crate::lane::{ask, client};

const PATIENCE: Duration = Duration::from_secs(60);

/// What stands in the way of the runner, between two statements.
const GATE: &str = "SELECT pg_advisory_lock_shared(7)";
const TABLE: &str = "CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 1000)";
/// One transaction.
const WHOLE: &[&str] = &[
    "CREATE TABLE u (n int)",
    "INSERT INTO u VALUES (1)",
    "ALTER TABLE t ADD COLUMN a int DEFAULT 1",
    "INSERT INTO t VALUES (0)",
];
/// Statement by statement, for Postgres refuses some of them in a transaction.
const SINGLE: &[&str] = &[
    "CREATE TABLE u (n int)",
    "CREATE INDEX CONCURRENTLY t_n ON t (n)",
    "INSERT INTO u VALUES (1)",
    "DROP INDEX CONCURRENTLY t_n",
    "CREATE UNIQUE INDEX CONCURRENTLY t_u ON t (n)",
    "INSERT INTO t VALUES (0)",
];

fn folder(statements: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, up) in [("1_table", TABLE.to_owned()), ("2_change", statements.join(";\n"))] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("up.sql"), up).unwrap();
    }
    folder
}

fn program(database: &TestDatabase, folder: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sides-migrate"));
    command.arg("up").arg("--folder").arg(folder).env("DATABASE_URL", database.url().expose());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap()
}

async fn up(database: &TestDatabase, folder: &Path) {
    let output =
        tokio::time::timeout(PATIENCE, program(database, folder).wait_with_output()).await.unwrap().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}");
}

/// The catalogue and the rows.
async fn state(database: &TestDatabase) -> (String, String) {
    let eye = client(database).await;
    let rows = "SELECT format('%s %s', (SELECT string_agg(n::text, ',') FROM u), (SELECT format('%s %s', count(*), sum(n)) FROM t))";
    (catalogue(&eye).await.unwrap().hash(), ask(&eye, rows).await)
}

const WAITS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 7
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
const RUNNERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'migrate%'";

#[tokio::test(flavor = "multi_thread")]
async fn between_any_two_statements() {
    for statements in [WHOLE, SINGLE] {
        let undisturbed = TestDatabase::empty().await;
        up(&undisturbed, folder(&[statements, &[GATE]].concat()).path()).await;
        let expected = state(&undisturbed).await;
        for place in 0..=statements.len() {
            let mut gated = statements.to_vec();
            gated.insert(place, GATE);
            let (database, folder) = (TestDatabase::empty().await, folder(&gated));
            let gate = client(&database).await;
            gate.batch_execute("SELECT pg_advisory_lock(7)").await.unwrap();
            let mut first = program(&database, folder.path());
            wait_until("it stands at the gate", PATIENCE, async || ask(&gate, WAITS).await == "1").await;
            first.kill().await.unwrap();
            // Its session ends at the gate, or goes through and finds that nobody listens.
            gate.batch_execute("SELECT pg_advisory_unlock(7)").await.unwrap();
            wait_until("its session is gone", PATIENCE, async || ask(&gate, RUNNERS).await == "0").await;
            up(&database, folder.path()).await;
            assert_eq!(state(&database).await, expected, "killed before statement {place} of {statements:?}");
        }
    }
}

/// The server goes on with an index whose builder's program is gone: it is not built twice.
#[tokio::test(flavor = "multi_thread")]
async fn in_the_middle_of_a_concurrent_index() {
    let (database, folder) = (TestDatabase::empty().await, folder(&[SINGLE[0], SINGLE[1], SINGLE[2]]));
    let eye = client(&database).await;
    let mut other = client(&database).await;
    eye.batch_execute("CREATE TABLE early (n int)").await.unwrap();
    let old = other.transaction().await.unwrap();
    old.batch_execute("SELECT pg_advisory_xact_lock(8); INSERT INTO early VALUES (1)").await.unwrap();
    // Any old snapshot holds the build up in its last phase.
    old.batch_execute("DECLARE c CURSOR FOR SELECT * FROM early").await.unwrap();
    let mut first = program(&database, folder.path());
    let building = "SELECT count(*) FROM pg_stat_progress_create_index WHERE relid = to_regclass('t') AND phase = 'waiting for old snapshots'";
    wait_until("the build waits", PATIENCE, async || ask(&eye, building).await == "1").await;
    first.kill().await.unwrap();
    assert_eq!(
        ask(&eye, "SELECT string_agg(indisvalid::text, '') FROM pg_index WHERE indrelid = 't'::regclass")
            .await,
        "false"
    );
    old.rollback().await.unwrap();
    wait_until("its session is gone", PATIENCE, async || ask(&eye, RUNNERS).await == "0").await;
    let before = ask(&eye, "SELECT string_agg(format('%s %s', indexrelid, indisvalid), ',') FROM pg_index WHERE indrelid = 't'::regclass").await;
    up(&database, folder.path()).await;
    let after = ask(&eye, "SELECT string_agg(format('%s %s', indexrelid, indisvalid), ',') FROM pg_index WHERE indrelid = 't'::regclass").await;
    assert!(before.ends_with(" t"), "the server ended with the program: {before}");
    assert_eq!(before, after);
}
