//! What a release declares, its process may; everything else Postgres refuses.

use std::fs;

use manifest::Manifest;
use serde_json::json;
use sides_migrate::{Options, grants::grant};
use tempfile::TempDir;
use testing::TestDatabase;
use tokio_postgres::Client;

use crate::lane::{ask, client};

/// A process of a name that no other test's database has.
fn manifest(process: &str, tables: &serde_json::Value) -> Manifest {
    let text = json!({"manifest_version": 1, "process": process, "digest": "d", "tables": tables});
    serde_json::from_value(text).unwrap()
}

fn uses(columns: &[&str], inserts: Option<&[&str]>) -> serde_json::Value {
    let columns: serde_json::Map<_, _> =
        columns.iter().map(|name| ((*name).to_owned(), json!("int4"))).collect();
    json!({"columns": columns, "inserts": inserts})
}

async fn run(
    database: &TestDatabase,
    manifests: &[Manifest],
    narrow: bool,
) -> Vec<sides_migrate::grants::Granted> {
    grant(database.url(), manifests, narrow, &Options::default(), &mut |_| {}).await.unwrap()
}

async fn database() -> (TestDatabase, String) {
    let database = TestDatabase::create().await;
    client(&database)
        .await
        .batch_execute(
            "CREATE TABLE public.a (id serial PRIMARY KEY, x int, secret int); INSERT INTO a (x) VALUES (1);
             CREATE TABLE public.other (id int)",
        )
        .await
        .unwrap();
    let process = database.url().database().replace(|one: char| !one.is_ascii_alphanumeric(), "_");
    (database, process.to_lowercase())
}

async fn acting_as(database: &TestDatabase, process: &str) -> Client {
    database::client(&database.url().with_role(&format!("sides_{process}"))).await.unwrap()
}

async fn refused(client: &Client, statement: &str) -> String {
    let error = client.batch_execute(statement).await.unwrap_err();
    assert_eq!(
        error.code().map(|code| code.code().to_owned()).as_deref(),
        Some("42501"),
        "{statement}: {error:?}"
    );
    error.as_db_error().unwrap().message().to_owned()
}

async fn drop_role(database: &TestDatabase, process: &str) {
    let role = format!("sides_{process}");
    client(database).await.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_may_what_its_releases_declare_and_nothing_else() {
    let (database, process) = database().await;
    let old = manifest(
        &process,
        &json!({"a": uses(&["id", "x"], Some(&["id", "x"])), "gone": uses(&["id"], None)}),
    );
    let granted = run(&database, std::slice::from_ref(&old), false).await;
    assert_eq!(granted[0].warning, None);
    let it = acting_as(&database, &process).await;
    it.batch_execute(
        "INSERT INTO a (x) VALUES (2); UPDATE a SET x = 3 WHERE id = 1; DELETE FROM a WHERE id = 2",
    )
    .await
    .unwrap();
    it.batch_execute("SELECT count(*), max(x) FROM a").await.unwrap();
    assert_eq!(refused(&it, "SELECT secret FROM a").await, "permission denied for table a");
    assert_eq!(refused(&it, "UPDATE a SET secret = 1").await, "permission denied for table a");
    assert_eq!(refused(&it, "SELECT * FROM other").await, "permission denied for table other");
    refused(&it, "SELECT * FROM sides.instances").await;
    refused(&it, "CREATE TABLE public.mine ()").await;

    // A new release beside the old one: both must work, so nothing is taken yet.
    let new = manifest(&process, &json!({"a": uses(&["id", "secret"], None)}));
    run(&database, &[new.clone(), old], true).await;
    it.batch_execute("SELECT secret, x FROM a; UPDATE a SET x = 4").await.unwrap();
    // The old one is gone.
    let narrowed = run(&database, std::slice::from_ref(&new), true).await;
    assert!(narrowed[0].statements.iter().all(|one| one.starts_with("REVOKE ")), "{narrowed:?}");
    it.batch_execute("SELECT secret FROM a").await.unwrap();
    refused(&it, "SELECT x FROM a").await;
    refused(&it, "DELETE FROM a").await;
    assert!(run(&database, &[new], true).await[0].statements.is_empty(), "a second time changes nothing");
    drop_role(&database, &process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_running_copy_declares_is_kept_and_one_that_is_silent_keeps_all() {
    let (database, process) = database().await;
    let eye = client(&database).await;
    let running = manifest(&process, &json!({"a": uses(&["x"], None)}));
    let text = serde_json::to_string(&running).unwrap();
    eye.execute(
        "INSERT INTO sides.instances (id, process, release, host, pid, ops_address, state, manifest)
         VALUES (gen_random_uuid(), $1, 'old', 'h', 1, 'a', 'ready', $2::text::jsonb)",
        &[&process, &text],
    )
    .await
    .unwrap();
    let new = manifest(&process, &json!({"a": uses(&["id"], None)}));
    run(&database, std::slice::from_ref(&new), true).await;
    let it = acting_as(&database, &process).await;
    it.batch_execute("SELECT id, x FROM a").await.unwrap();

    // It says nothing of itself any more: who knows what it uses.
    eye.batch_execute("UPDATE sides.instances SET manifest = NULL").await.unwrap();
    let silent = run(&database, std::slice::from_ref(&new), true).await;
    assert!(silent[0].warning.as_ref().unwrap().contains("does not say what it uses"), "{silent:?}");
    it.batch_execute("SELECT id, x FROM a").await.unwrap();
    eye.batch_execute("UPDATE sides.instances SET state = 'stopped'").await.unwrap();
    run(&database, &[new], true).await;
    refused(&it, "SELECT x FROM a").await;
    drop_role(&database, &process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_make_roles_is_warned_and_goes_on() {
    let (database, process) = database().await;
    let plain = format!("{process}_plain");
    let owner = client(&database).await;
    let name = database.url().database();
    owner
        .batch_execute(&format!("CREATE ROLE {plain}; GRANT ALL ON DATABASE \"{name}\" TO {plain}; GRANT USAGE ON SCHEMA sides TO {plain}; GRANT SELECT ON sides.instances TO {plain}"))
        .await
        .unwrap();
    let needs = manifest(&process, &json!({"a": uses(&["id"], None)}));
    let url = database.url().with_role(&plain);
    let granted = grant(&url, &[needs], false, &Options::default(), &mut |_| {}).await;
    owner.batch_execute(&format!("DROP OWNED BY {plain}; DROP ROLE {plain}")).await.unwrap();
    let granted = granted.unwrap();
    assert!(granted[0].statements.is_empty(), "{granted:?}");
    assert!(
        granted[0].warning.as_ref().unwrap().contains(&format!("CREATE ROLE sides_{process} NOLOGIN")),
        "{granted:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_reads_manifests_from_files_and_leaves_the_clocks_role_alone() {
    let (database, process) = database().await;
    let folder = TempDir::new().unwrap();
    let write = |name: &str, manifest: &Manifest| {
        let path = folder.path().join(name);
        fs::write(&path, serde_json::to_string(manifest).unwrap()).unwrap();
        path
    };
    let web = write("web.json", &manifest(&process, &json!({"a": uses(&["id"], None)})));
    let clock = write("clock.json", &manifest("clock", &json!({"a": uses(&["id"], None)})));
    let grants = |arguments: &[&std::path::Path]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sides-migrate"));
        command.args(["grants", "--json"]).env("DATABASE_URL", database.url().expose());
        arguments.iter().for_each(|path| {
            command.arg("--manifest").arg(path);
        });
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = grants(&[&web, &clock]);
    assert_eq!(code, Some(0), "{text}");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), lines[0]["process"].as_str()), (1, Some(process.as_str())), "{text}");
    let may = "has_table_privilege('sides_clock', 'public.a', 'SELECT') OR has_any_column_privilege('sides_clock', 'public.a', 'SELECT')";
    assert_eq!(ask(&client(&database).await, may).await, "false");
    fs::write(&web, "{}").unwrap();
    let (code, text) = grants(&[&web]);
    assert!(code == Some(1) && text.contains("web.json is not a manifest"), "{text}");
    drop_role(&database, &process).await;
}
