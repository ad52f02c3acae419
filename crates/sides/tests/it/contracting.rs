//! A step that takes something away: what nobody knows to be safe is refused, and a lock in its way is no disaster.

use testing::TestDatabase;

use crate::{
    releasing::{ended, receipt, run, start_host},
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
    host.says("web was not released yet").await;
    toy::write_migrate(&sandbox, &migrate(LOCKED));

    // Both are silent.
    let refused = release(&sandbox, 8).await;
    assert!(
        refused.contains("2_drop_url takes something away, and these do not say what they use:\n  - worker"),
        "{refused}"
    );
    assert!(refused.contains("Nothing was changed"), "{refused}");

    for process in ["web", "worker"] {
        toy::write_program(&sandbox, process, &says(process));
    }
    // A copy on another machine, which no release from here reaches.
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
    let undone = receipt(&run(&sandbox, &["release", "--bake", "0", "--json"]).await, 6);
    assert!(undone["reason"].as_str().unwrap().contains("services is locked by psql of ann"), "{undone}");
    std::fs::remove_file(sandbox.file("locked")).unwrap();
    let said = release(&sandbox, 0).await;
    assert!(said.contains("no way back behind step"), "{said}");
    assert!(said.contains("migrated 2_drop_url"), "{said}");
    release(&sandbox, 5).await;
}
