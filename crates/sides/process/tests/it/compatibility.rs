//! What a build says of itself, and a schema that it is not compatible with.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection as _;
use manifest::Manifest;
use testing::{Program, TestDatabase, wait_until};

use crate::fixture::{lines, napper, napper_on};

const SOON: Duration = Duration::from_secs(20);

fn said() -> Manifest {
    let output = napper().arg("--manifest").env("RELEASE_COMMIT", "c0ffee").output().expect("it runs");
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("it says a manifest")
}

#[test]
fn the_manifest_is_told_without_a_database() {
    let manifest = said();
    assert_eq!((manifest.process.as_str(), manifest.commit.as_deref()), ("napper", Some("c0ffee")));
    assert_eq!(manifest.digest.len(), 64);
    assert_eq!(manifest.tables["sides.instances"].columns["pid"], "int4");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_row_holds_the_manifest_and_the_session_the_lock() {
    let database = TestDatabase::create().await;
    let _program = Program::start(napper_on(database.url()).env("RELEASE", "one"));
    let digest = "SELECT manifest ->> 'digest' AS line FROM sides.instances WHERE manifest IS NOT NULL";
    wait_until("the row says what it is", SOON, async || lines(&database, digest).await == [said().digest])
        .await;
    let held = "SELECT process || '@' || release AS line FROM sides.instances WHERE EXISTS (
            SELECT FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND objsubid = 1
                AND (classid::bigint << 32 | objid::bigint) = hashtextextended(process || '@' || release, 0)
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        )";
    assert_eq!(lines(&database, held).await, ["napper@one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_the_schema_does_not_fit_waits_and_says_what_is_missing() {
    let database = TestDatabase::create().await;
    let change = async |statement: &str| {
        database.connect().await.batch_execute(statement).await.expect("the statement is right");
    };
    change("ALTER TABLE sides.instances DROP COLUMN manifest, ADD COLUMN owner text NOT NULL").await;
    let program = Program::start(&mut napper_on(database.url()));
    program.answers("/readyz", 503, "sides.instances.manifest is missing").await;
    program.answers("/readyz", 503, "sides.instances.owner is required").await;
    assert_eq!(program.get("/livez").await.0, 200, "a restart would not help");
    change("ALTER TABLE sides.instances ADD COLUMN manifest text, DROP COLUMN owner").await;
    program.answers("/readyz", 503, "sides.instances.manifest is not jsonb").await;
    change("ALTER TABLE sides.instances ALTER manifest TYPE jsonb USING manifest::jsonb").await;
    program.answers("/readyz", 200, "ready").await;
}
