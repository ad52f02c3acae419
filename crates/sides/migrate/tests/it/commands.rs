//! The program itself: what it prints, what it writes, and how it leaves.

use std::{fs, path::Path, process::Output};

use serde_json::Value;
use tempfile::TempDir;
use testing::TestDatabase;
use tokio::process::Command;

use crate::lane::client;

async fn migrate(database: &TestDatabase, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sides-migrate"))
        .args(arguments)
        .arg("--folder")
        .arg(folder)
        .env("DATABASE_URL", database.url().expose())
        .env_remove("GITHUB_ACTIONS")
        .output()
        .await
        .unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn add(folder: &Path, name: &str, up: &str, down: &str) {
    fs::create_dir(folder.join(name)).unwrap();
    fs::write(folder.join(name).join("up.sql"), up).unwrap();
    fs::write(folder.join(name).join("down.sql"), down).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_goes_from_new_over_check_and_plan_to_up_and_down() {
    let (database, folder) = (TestDatabase::empty().await, TempDir::new().unwrap());
    let folder = folder.path();
    add(folder, "1_table", "CREATE TABLE t (id bigint PRIMARY KEY, a int);", "DROP TABLE t;");
    assert_eq!(migrate(&database, folder, &["up"]).await.status.code(), Some(0));

    let made = migrate(&database, folder, &["new", "Index a!"]).await;
    assert!(said(&made).contains("_index_a/up.sql"), "{}", said(&made));
    let name = fs::read_dir(folder).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap());
    let name = name.max().unwrap();
    fs::write(folder.join(&name).join("up.sql"), "\n-- Fast.\nCREATE INDEX t_a ON t (a);\n").unwrap();
    fs::write(folder.join(&name).join("down.sql"), "DROP INDEX CONCURRENTLY t_a;\n").unwrap();

    let refused = migrate(&database, folder, &["check"]).await;
    assert_eq!(refused.status.code(), Some(3));
    let text = said(&refused);
    assert!(
        text.contains(&format!("{name}/up.sql:3: `CREATE INDEX t_a ON t (a)` builds an index")),
        "{text}"
    );
    assert!(text.contains("CREATE INDEX CONCURRENTLY t_a ON t (a);") && !text.contains("1_table"), "{text}");
    let commands = said(&migrate(&database, folder, &["check", "--annotate"]).await);
    assert!(commands.contains("up.sql,line=3,title=must not run as it is::CREATE INDEX t_a"), "{commands}");

    assert_eq!(migrate(&database, folder, &["check", "--fix"]).await.status.code(), Some(0));
    assert_eq!(migrate(&database, folder, &["check"]).await.status.code(), Some(0));
    let plan = said(&migrate(&database, folder, &["plan"]).await);
    assert!(
        plan.contains(&format!("expand   {name}")) && plan.contains("(ShareUpdateExclusive on t)"),
        "{plan}"
    );
    assert_eq!(migrate(&database, folder, &["up"]).await.status.code(), Some(0));
    let nothing = migrate(&database, folder, &["up", "--detailed-exit-code"]).await;
    assert!(
        nothing.status.code() == Some(5) && said(&nothing).ends_with("nothing to do\n"),
        "{}",
        said(&nothing)
    );
    assert_eq!(migrate(&database, folder, &["plan"]).await.status.code(), Some(0));
    assert_eq!(migrate(&database, folder, &["down", "--all"]).await.status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_a_line_for_each_thing() {
    let (database, folder) = (TestDatabase::empty().await, TempDir::new().unwrap());
    let folder = folder.path();
    add(folder, "1_table", "CREATE TABLE t (a int, b text);", "DROP TABLE t;");
    add(folder, "2_drop", "ALTER TABLE t DROP COLUMN a;", "");
    let lines = |output: &Output| -> Vec<Value> {
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let checked = lines(&migrate(&database, folder, &["check", "--json"]).await);
    assert_eq!((checked.len(), &checked[1]["phase"]), (2, &Value::from("contract")));
    assert_eq!(checked[1]["statements"][0]["locks"]["t"], "AccessExclusive");
    let planned = lines(&migrate(&database, folder, &["plan", "--json"]).await);
    assert_eq!(
        (planned[0]["name"].as_str(), planned[1]["phase"].as_str()),
        (Some("1_table"), Some("contract"))
    );
    // What the planner of releases reads, as it reads it.
    let steps: Vec<planner::SchemaStep> =
        planned.iter().map(|line| serde_json::from_value(line.clone()).unwrap()).collect();
    let change = |line: Value| serde_json::from_value::<planner::Change>(line).unwrap();
    let [a, b] = ["int4", "text"].map(|ty| serde_json::json!({"sql_type": ty, "required": false}));
    assert_eq!(
        steps[0].changes,
        [
            change(serde_json::json!({"change": "add_table", "table": "t"})),
            change(serde_json::json!({"change": "set_column", "table": "t", "column": "a", "to": a})),
            change(serde_json::json!({"change": "set_column", "table": "t", "column": "b", "to": b})),
        ]
    );
    assert_eq!(
        steps[1].changes,
        [change(serde_json::json!({"change": "drop_column", "table": "t", "column": "a"}))]
    );
    assert_eq!(steps[1].phase, planner::Phase::Contract);
    let applied = lines(&migrate(&database, folder, &["up", "--json"]).await);
    assert_eq!(applied.last().unwrap()["applied"], Value::from(vec!["1_table", "2_drop"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phase_runs_alone_and_in_any_order_the_schema_is_the_same() {
    let texts = [
        ("1_base", "CREATE TABLE a (n int, o int); CREATE TABLE b (n int);"),
        ("2_contract", "ALTER TABLE a DROP COLUMN o;"),
        ("3_expand", "ALTER TABLE b ADD COLUMN m int;"),
        ("4_again", "ALTER TABLE a ADD COLUMN o text;"),
    ];
    let folder = TempDir::new().unwrap();
    texts.iter().for_each(|(name, up)| add(folder.path(), name, up, ""));
    let (fresh, live) = (TestDatabase::empty().await, TestDatabase::empty().await);
    assert_eq!(migrate(&fresh, folder.path(), &["up"]).await.status.code(), Some(0));

    let expand = migrate(&live, folder.path(), &["up", "--phase", "expand"]).await;
    assert_eq!(expand.status.code(), Some(0), "{}", said(&expand));
    let text = said(&expand);
    assert!(text.contains("applied 1_base") && text.contains("applied 3_expand"), "{text}");
    assert!(text.contains("4_again is waiting for an earlier migration"), "{text}");
    for phase in ["contract", "expand"] {
        let output = migrate(&live, folder.path(), &["up", "--phase", phase]).await;
        assert!(said(&output).contains("1 migration applied"), "{}", said(&output));
    }
    let hash =
        async |database| sides_migrate::shadow::catalogue(&client(database).await).await.unwrap().hash();
    assert_eq!(hash(&fresh).await, hash(&live).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_migration_runs_by_its_name_and_waits_for_what_it_needs() {
    let (database, folder) = (TestDatabase::empty().await, TempDir::new().unwrap());
    let folder = folder.path();
    add(folder, "1_a", "CREATE TABLE a (n int);", "");
    add(folder, "2_b", "CREATE TABLE b (n int);", "");
    add(folder, "3_a", "ALTER TABLE a ADD COLUMN m int;", "");
    let early = migrate(&database, folder, &["up", "--only", "2_b", "--only", "3_a"]).await;
    let text = said(&early);
    assert!(
        text.contains("applied 2_b") && text.contains("3_a is waiting for an earlier migration"),
        "{text}"
    );
    let unknown = migrate(&database, folder, &["up", "--only", "4_c"]).await;
    assert_eq!(unknown.status.code(), Some(3), "{}", said(&unknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn code_whose_text_says_nothing_has_the_phase_of_what_it_does() {
    let (database, folder) = (TestDatabase::empty().await, TempDir::new().unwrap());
    let folder = folder.path();
    add(folder, "1_t", "CREATE TABLE t (a int, b int);", "");
    add(folder, "2_code", "DO $$ BEGIN ALTER TABLE t DROP COLUMN b; END $$;", "");
    migrate(&database, folder, &["up", "--only", "1_t"]).await;
    let expand = migrate(&database, folder, &["up", "--phase", "expand"]).await;
    assert!(said(&expand).contains("nothing to do"), "{}", said(&expand));
    let contract = migrate(&database, folder, &["up", "--phase", "contract"]).await;
    assert!(said(&contract).contains("applied 2_code"), "{}", said(&contract));
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_shown_line_by_line() {
    let (database, folder) = (TestDatabase::empty().await, TempDir::new().unwrap());
    add(folder.path(), "1_table", "CREATE TABLE t (a int); CREATE INDEX t_a ON t (a);", "");
    migrate(&database, folder.path(), &["up"]).await;
    let same = migrate(&database, folder.path(), &["status", "--drift"]).await;
    assert_eq!(same.status.code(), Some(0), "{}", said(&same));
    client(&database)
        .await
        .batch_execute("DROP INDEX t_a; ALTER TABLE t ADD COLUMN by_hand int")
        .await
        .unwrap();
    let other = migrate(&database, folder.path(), &["status", "--drift"]).await;
    assert_eq!(other.status.code(), Some(3));
    let text = said(&other);
    assert!(
        text.contains("  -index public.t_a ") && text.contains("  +column public.t.by_hand integer"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_phase_needs_a_reason_and_an_accepted_statement_says_why() {
    let (database, folder) = (TestDatabase::empty().await, TempDir::new().unwrap());
    let folder = folder.path();
    add(folder, "1_table", "CREATE TABLE t (a int, b int);", "");
    add(folder, "2_drop", "ALTER TABLE t DROP COLUMN a;", "");
    add(folder, "3_code", "DO $$ BEGIN ALTER TABLE t DROP COLUMN b; END $$;", "");
    add(folder, "4_index", "CREATE TABLE u (a int);\nALTER TABLE t ADD CHECK (true);", "");
    fs::write(folder.join("2_drop/metadata.toml"), "phase = \"expand\"").unwrap();
    fs::write(folder.join("4_index/metadata.toml"), "accept = \"t has three rows\"").unwrap();
    let output = migrate(&database, folder, &["check"]).await;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("says phase = \"expand\" and its statements say contract"), "{text}");
    assert!(text.contains("ok       3_code  contract"), "the catalogue tells what code did: {text}");
    assert!(
        text.contains("up.sql:2: accepted although it scans the whole table") && text.contains("three rows"),
        "{text}"
    );
    fs::write(folder.join("2_drop/metadata.toml"), "phase = \"expand\"\nreason = \"never used\"").unwrap();
    assert_eq!(migrate(&database, folder, &["check"]).await.status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_does_not_apply_is_shown_with_its_line() {
    let (database, folder) = (TestDatabase::empty().await, TempDir::new().unwrap());
    add(folder.path(), "1_table", "CREATE TABLE t (a int);\nALTER TABLE t DROP COLUMN b;", "");
    let output = migrate(&database, folder.path(), &["check"]).await;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("1_table/up.sql line 2: `ALTER TABLE t DROP COLUMN b`: column \"b\""), "{text}");
    let left = client(&database).await;
    let left = left
        .query_one(
            "SELECT count(*) FROM pg_database WHERE datname LIKE 'sides_shadow_%' || $1::text || '%'",
            &[&"none"],
        )
        .await;
    assert_eq!(left.unwrap().get::<_, i64>(0), 0);
}

/// Each way to end has a code of its own, and a program can tell them apart.
#[tokio::test(flavor = "multi_thread")]
async fn how_it_ended_is_in_the_exit_code() {
    let (database, folder) = (TestDatabase::empty().await, TempDir::new().unwrap());
    let folder = folder.path();
    let code = async |arguments: &[&str]| {
        let output = migrate(&database, folder, arguments).await;
        (output.status.code().unwrap(), said(&output))
    };
    assert_eq!(code(&["up", "--detailed-exit-code"]).await.0, 5);
    assert_eq!(code(&["up"]).await.0, 0);
    add(folder, "1_a", "CREATE TABLE a (n int);", "DROP TABLE a;");
    assert_eq!(code(&["up", "--detailed-exit-code"]).await.0, 0);
    assert_eq!(code(&["frobnicate"]).await.0, 2);

    add(folder, "2_b", "CREATE TABLE b (n int);", "DROP TABLE b;");
    add(folder, "3_c", "CREATE TABLE b (n int);", "");
    let (partial, text) = code(&["up"]).await;
    assert!(
        partial == 4 && text.contains("applied 2_b") && text.contains("nothing of this migration"),
        "{text}"
    );
    let (failed, text) = code(&["up"]).await;
    assert!(failed == 1 && text.contains("relation \"b\" already exists"), "{text}");
    fs::write(folder.join("1_a/up.sql"), "CREATE TABLE a (n bigint);").unwrap();
    let (refused, text) = code(&["up"]).await;
    assert!(refused == 3 && text.contains("was changed after it was applied"), "{text}");
    assert_eq!(code(&["repair"]).await.0, 0);

    let gate = client(&database).await;
    gate.batch_execute("SELECT pg_advisory_lock(x'73696465736d6967'::bigint)").await.unwrap();
    assert_eq!(code(&["up", "--no-wait"]).await.0, 75);
    let output =
        Command::new(env!("CARGO_BIN_EXE_sides-migrate")).env_remove("DATABASE_URL").output().await.unwrap();
    assert_eq!(output.status.code(), Some(78), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ci_run_is_shown_the_place() {
    let (database, folder) = (TestDatabase::empty().await, TempDir::new().unwrap());
    let folder = folder.path();
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sides-migrate"));
        command.args(arguments).arg("--folder").arg(folder).env("DATABASE_URL", database.url().expose());
        let output = command.env("GITHUB_ACTIONS", "true").output().await.unwrap();
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        (output.status.code(), text, String::from_utf8(output.stderr).unwrap())
    };
    let place =
        |name: &str, line: usize| format!("::error file={}/{name},line={line},title=", folder.display());
    add(folder, "1_a", "CREATE TABLE a (n int);", "SELECT 1;");
    add(folder, "2_b", "-- First this.\nCREATE INDEX a_n ON a (n);\nALTER TABLE a ADD CHECK (n > 0);", "");
    fs::write(folder.join("1_a/metadata.toml"), "phase = \"contract\"").unwrap();
    let (code, text, _) = run(&["check"]).await;
    assert_eq!(code, Some(3), "{text}");
    for (name, line) in [("1_a/metadata.toml", 1), ("2_b/up.sql", 2), ("2_b/up.sql", 3)] {
        assert!(text.lines().any(|one| one.starts_with(&place(name, line))), "{name} {line}: {text}");
    }
    // A program that reads JSON is not disturbed.
    let (_, json, aside) = run(&["check", "--json"]).await;
    assert!(json.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{json}");
    assert!(aside.contains(&place("2_b/up.sql", 3)), "{aside}");

    fs::write(folder.join("2_b/up.sql"), "CREATE TABLE b (n int);\nALTER TABLE a DROP COLUMN gone;").unwrap();
    let (code, text, _) = run(&["check"]).await;
    assert!(code == Some(3) && text.contains(&place("2_b/up.sql", 2)), "{code:?} {text}");
    fs::write(folder.join("2_b/up.sql"), "CREATE TABLE b (n int);").unwrap();
    fs::write(folder.join("1_a/metadata.toml"), "").unwrap();
    run(&["up"]).await;
    fs::write(folder.join("1_a/up.sql"), "CREATE TABLE a (n bigint);").unwrap();
    let (code, text, _) = run(&["plan"]).await;
    assert!(code == Some(3) && text.contains(&place("1_a/up.sql", 1)), "{code:?} {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_columns_is_a_change_too() {
    let (database, folder) = (TestDatabase::empty().await, TempDir::new().unwrap());
    add(folder.path(), "1_empty", "CREATE TABLE bare ();", "");
    let planned = migrate(&database, folder.path(), &["plan", "--json"]).await;
    let line: Value = serde_json::from_slice(&planned.stdout).unwrap();
    assert_eq!(line["changes"], serde_json::json!([{"change": "add_table", "table": "bare"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_certificates_is_trusted_or_told_what_is_wrong_with_it() {
    let folder = TempDir::with_prefix("sides-tls-").unwrap();
    // The server is another user's when the tests run as root.
    fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (files, migrations) = (folder.path().join("files"), folder.path().join("migrations"));
    fs::create_dir(&files).unwrap();
    fs::create_dir(&migrations).unwrap();
    add(&migrations, "1_table", "CREATE TABLE t (id bigint PRIMARY KEY);", "DROP TABLE t;");
    let (ours, other) = (testing::Authority::new(&files, "ca"), testing::Authority::new(&files, "other"));
    let common = testing::Certificate::of_host("localhost");
    ours.sign("server", common);
    let access = "hostssl all postgres 127.0.0.1/32 trust";
    let server = testing::TlsServer::start(&folder.path().join("server"), access).await;
    server.show(&files, "server", &ours.file()).await;

    let run = async |root: &Path, arguments: &[&str]| {
        let url = format!("postgres://postgres@localhost:{}/sides?sslmode=verify-full", server.port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_sides-migrate"));
        command.args(arguments).arg("--folder").arg(&migrations);
        command.env("DATABASE_URL", url).env("PGSSLROOTCERT", root).output().await.unwrap()
    };
    let up = run(&ours.file(), &["up"]).await;
    assert_eq!(up.status.code(), Some(0), "{}", said(&up));
    let refused = run(&other.file(), &["status"]).await;
    assert_ne!(refused.status.code(), Some(0));
    let text = said(&refused);
    assert!(text.contains("other.crt: write sslrootcert=file"), "{text}");
    server.stop().await;
}
