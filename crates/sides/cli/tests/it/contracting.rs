//! A step that takes something away: what nobody knows to be safe is refused, and a lock in its way is no disaster.

use testing::TestDatabase;

use crate::{
    lane,
    releasing::{ended, receipt, run, shown, start_host},
    rows,
    sandbox::Sandbox,
    toy,
};

/// A `migrate` whose one pending step drops `services.url`, and does what `up` says.
fn migrate(up: &str) -> String {
    let pending = r#"{"name": "2_drop_url", "phase": "contract", "changes": [{"change": "drop_column", "table": "services",
        "column": "url"}], "problems": [], "note": null}"#
        .replace('\n', " ");
    format!(
        "fn main() {{\n    let is_plan = std::env::args().any(|word| word == \"plan\");\n    \
         if is_plan {{ if !std::path::Path::new(\"dropped\").exists() {{ println!(\"{{}}\", r##\"{pending}\"##); }} return; }}\n    \
         {up}\n}}\n"
    )
}

const LOCKED: &str = r#"if std::path::Path::new("locked").exists() {
        eprintln!("services is locked by psql of ann"); std::process::exit(1);
    }
    std::fs::write("dropped", "").unwrap();"#;

fn says(process: &str) -> String {
    let manifest = format!(r#"{{"manifest_version": 1, "process": "{process}", "digest": ""}}"#);
    toy::program_that_says("one", &manifest)
}

async fn release(sandbox: &Sandbox, code: i32) -> String {
    ended(&run(sandbox, &["release", "--bake", "0"]).await, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_step_waits_for_those_who_may_need_what_it_takes_and_is_harmless_when_it_cannot_run() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    toy::write_workspace(&sandbox);
    let mut host = start_host(&sandbox);
    host.says("web has not been released yet").await;
    toy::write_migrate(&sandbox, &migrate(LOCKED));

    // Both are silent.
    let refused = release(&sandbox, 8).await;
    assert!(
        refused.contains("2_drop_url removes something, and these do not say what they use:\n  - web "),
        "{refused}"
    );
    assert!(refused.contains("\n  - worker "), "{refused}");
    assert!(refused.contains("Nothing was changed"), "{refused}");

    for process in ["web", "worker"] {
        toy::write_program(&sandbox, process, &says(process));
    }
    // An instance on another machine, which no release from here reaches.
    rows::execute(
        database.url(),
        r#"INSERT INTO sides.instances (id, process, release, host, pid, ops_address, state, heartbeat_at, manifest)
        VALUES (gen_random_uuid(), 'web', 'aaaaaaaaaaaa', 'db2', 1, '', 'ready', now() + interval '1 hour',
            '{"manifest_version": 1, "process": "web", "digest": "aaaaaaaaaaaa", "tables": {"services":
            {"columns": {"url": "text"}}}}')"#,
    )
    .await;
    let refused = release(&sandbox, 8).await;
    assert!(refused.contains("web on db2@aaaaaaaa uses services.url"), "{refused}");
    rows::execute(database.url(), "UPDATE sides.instances SET state = 'stopped'").await;

    std::fs::write(sandbox.file("locked"), "").unwrap();
    let held_up = receipt(&run(&sandbox, &["release", "--bake", "0", "--json"]).await, 7);
    assert!(held_up["reason"].as_str().unwrap().contains("services is locked by psql of ann"), "{held_up}");
    std::fs::remove_file(sandbox.file("locked")).unwrap();
    let said = release(&sandbox, 0).await;
    assert!(said.contains("no way back after step"), "{said}");
    assert!(said.contains("migrated 2_drop_url"), "{said}");
    release(&sandbox, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_step_behind_somebodys_lock_names_him_and_is_taken_up_again_by_the_next_release() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web"]).on(&database);
    toy::write_workspace(&sandbox);
    toy::write_program(&sandbox, "web", &says("web"));
    lane::write(&sandbox);
    let reports = "CREATE TABLE reports (id bigint PRIMARY KEY, old text)";
    lane::add(&sandbox, "2100-01-01-000100_reports", reports, "DROP TABLE reports");
    let mut host = start_host(&sandbox);
    host.says("web has not been released yet").await;
    assert!(release(&sandbox, 0).await.contains("migrated 2100-01-01-000100_reports"));

    let (up, down) = ("ALTER TABLE reports DROP COLUMN old", "ALTER TABLE reports ADD COLUMN old text");
    lane::add(&sandbox, "2100-01-01-000200_drop_old", up, down);
    let manifest = r#"{"manifest_version": 1, "process": "web", "digest": ""}"#;
    toy::write_program(&sandbox, "web", &toy::program_that_says("two", manifest));
    let url = database.url().with_application_name("a long report");
    let mut reader = database::client(&url).await.unwrap();
    let reads = reader.transaction().await.unwrap();
    reads.batch_execute("SELECT * FROM reports").await.unwrap();

    let partial = receipt(&run(&sandbox, &["release", "--bake", "0", "--json"]).await, 7);
    let reason = partial["reason"].as_str().unwrap();
    assert!(reason.contains("a long report") && reason.contains("takes this step up again"), "{reason}");
    assert_eq!(partial["requests"]["failed"], 0, "{partial}");
    assert_eq!(shown(&sandbox).await, "two of first", "nothing is wrong with it");
    let old = "pg_attribute WHERE attrelid = 'reports'::regclass AND attname = 'old'";
    assert_eq!(rows::count(database.url(), old).await, 1);

    reads.rollback().await.unwrap();
    let said = release(&sandbox, 0).await;
    assert!(said.contains("the last release was interrupted"), "{said}");
    assert!(said.contains("migrated 2100-01-01-000200_drop_old"), "{said}");
    assert_eq!(rows::count(database.url(), old).await, 0);
    release(&sandbox, 5).await;
}
