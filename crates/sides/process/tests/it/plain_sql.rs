//! A process without diesel: what it declares in a list is in its manifest, and is held to the database.

use std::process::Command;

use diesel_async::SimpleAsyncConnection as _;
use manifest::Manifest;
use testing::{Program, TestDatabase, assert_tables};

use crate::fixture::lines;

#[path = "../../examples/plain_sql/statements.rs"]
mod statements;

const MIGRATION: &str = "CREATE TABLE visitors (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, tags text[], note text
)";

fn visitors() -> Command {
    let mut command = Command::new(testing::example("plain_sql"));
    command.env_clear();
    command
}

async fn migrated() -> TestDatabase {
    let database = TestDatabase::create().await;
    database.connect().await.batch_execute(MIGRATION).await.expect("the table is made");
    database
}

#[tokio::test(flavor = "multi_thread")]
async fn its_list_is_in_its_manifest_and_it_waits_for_its_table() {
    let said = visitors().arg("--manifest").output().unwrap();
    let manifest: Manifest = serde_json::from_slice(&said.stdout).unwrap();
    let columns: Vec<_> = manifest.tables["visitors"].columns.iter().collect();
    let [id, name, tags] = [("id", "int8"), ("name", "text"), ("tags", "_text")];
    let wanted = [id, name, tags].map(|(column, kind)| (column.to_owned(), kind.to_owned()));
    assert_eq!(columns, wanted.iter().map(|(column, kind)| (column, kind)).collect::<Vec<_>>());

    let database = TestDatabase::create().await;
    let mut command = visitors();
    command.env("DATABASE_URL", database.url().expose()).env("OPS_PORT", "0");
    let program = Program::start(&mut command);
    program.says("visitors.name").await;
    database.connect().await.batch_execute(MIGRATION).await.expect("the table is made");
    program.says("visitors: 1").await;
    assert_eq!(lines(&database, "SELECT name AS line FROM visitors").await, ["Ada"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_the_chassis_holds_the_list_and_the_statements_to_the_database() {
    let database = migrated().await;
    let all = [statements::ADD, statements::COUNT];
    assert_tables(&database, statements::SCHEMA, &all).await;

    let unlisted = ["SELECT note FROM visitors", "SELECT state FROM sides.instances"];
    for (statement, named) in unlisted.into_iter().zip(["note", "sides.instances"]) {
        let said = refused(&database, &[statement]).await;
        assert!(said.contains("not listed") && said.contains(named), "{said}");
    }
    let said = refused(&database, &["SELECT nmae FROM visitors"]).await;
    assert!(said.contains("nmae"), "{said}");
    database.connect().await.batch_execute("ALTER TABLE visitors ALTER name TYPE varchar").await.unwrap();
    let said = refused(&database, &[]).await;
    assert!(said.contains("was built for visitors.name as text"), "{said}");
    assert_eq!(lines(&database, "SELECT count(*)::text AS line FROM sides.instances").await, ["0"]);
}

/// What the test says when it fails.
async fn refused(database: &TestDatabase, texts: &[&str]) -> String {
    let failed = async { assert_tables(database, statements::SCHEMA, texts).await };
    let failed = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(failed)).await;
    failed.expect_err("the test fails").downcast_ref::<String>().cloned().unwrap_or_default()
}
