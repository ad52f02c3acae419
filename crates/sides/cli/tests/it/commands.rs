//! What a person types: up, ps, logs, and the rows that it leaves.

use nix::sys::signal::Signal;
use serde_json::Value;
use testing::{TestDatabase, wait_until};

use crate::{
    host::Dev,
    releasing::{ended, run},
    rows,
    sandbox::{PATIENCE, Sandbox, signal, text},
    toy,
};

async fn rows_of(database: &TestDatabase, condition: &str) -> i64 {
    rows::count(database.url(), &format!("sides.actions WHERE {condition}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn up_ps_logs_restart_scale_and_stop() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    toy::write_workspace(&sandbox);
    ended(&run(&sandbox, &["ps"]).await, 3);
    let said = ended(&run(&sandbox, &["up", "--port", "0"]).await, 0);
    assert!(said.contains("nothing has been released yet"), "{said}");
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    let said = ended(&run(&sandbox, &["up"]).await, 0);
    assert!(said.contains("everything answers: http://127.0.0.1:"), "{said}");

    // The server may still see the first release's session for a moment.
    let free = "pg_locks WHERE locktype = 'advisory' AND objsubid = 1";
    wait_until("the lock is free", PATIENCE, async || rows::count(database.url(), free).await == 0).await;
    let talks = toy::program("two")
        .replace("fn main() {", "fn main() { println!(\"hello from {}\", std::process::id());");
    toy::write_program(&sandbox, "worker", &talks);
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    let mut follower = Dev::start(sandbox.sides(&["logs", "worker", "--follow"]));
    let first = follower.says("hello from").await;
    ended(&run(&sandbox, &["restart", "worker", "--reason", "to see it twice"]).await, 0);
    wait_until("the second instance is heard too", PATIENCE, async || {
        follower.said().lines().filter(|line| line.contains("hello from")).any(|line| line != first)
    })
    .await;
    signal(follower.pid(), Signal::SIGKILL);
    let output = run(&sandbox, &["logs", "-n", "1", "--json"]).await;
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(line["text"].as_str().unwrap().starts_with("hello from ") && line["at"].is_string(), "{line}");

    ended(&run(&sandbox, &["scale", "worker", "2"]).await, 0);
    let table = text(&run(&sandbox, &["ps"]).await.stdout);
    assert!(table.starts_with("INSTANCE ") && !table.contains('\u{1b}'), "{table}");
    assert_eq!(
        table.lines().filter(|line| line.starts_with("worker.") && line.contains("answers")).count(),
        2
    );
    let ps: Value = serde_json::from_slice(&run(&sandbox, &["ps", "--json"]).await.stdout).unwrap();
    assert!(ps[0]["memory_bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{ps}");
    assert!(ended(&run(&sandbox, &["restart", "mail"]).await, 1).contains("runs no process \"mail\""));
    assert!(ended(&run(&sandbox, &["restart", "wroker"]).await, 1).contains("did you mean worker?"));

    // A host that ends leaves what it has not carried over yet to the next one.
    wait_until("every put has its row", PATIENCE, async || {
        rows_of(&database, "action = 'put' AND outcome = 'done'").await == 3
    })
    .await;
    ended(&run(&sandbox, &["stop"]).await, 0);
    sandbox.wait_until_empty().await;
    assert_eq!(
        rows_of(&database, "action = 'restart' AND reason = 'to see it twice' AND outcome = 'done'").await,
        1
    );
    assert_eq!(
        rows_of(&database, "subject = 'worker' AND action = 'scale' AND asked_by LIKE '%@%'").await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loop_can_be_seen_and_an_action_without_a_database_is_written_down_later() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    toy::write_workspace(&sandbox);
    ended(&run(&sandbox, &["up", "--port", "0"]).await, 0);
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    // The release is good until somebody damages its folder.
    use std::os::unix::fs::PermissionsExt as _;
    let worker = sandbox.status()["releases"]["worker"].as_str().unwrap().to_owned();
    let file = sandbox.file(&format!(".sides/releases/worker/{worker}/worker"));
    std::fs::rename(&file, file.with_extension("away")).unwrap();
    std::fs::write(&file, "#!/bin/sh\nexit 3\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).unwrap();
    signal(sandbox.pid_of("worker").unwrap(), Signal::SIGKILL);
    wait_until("the crash loop is shown", PATIENCE, async || {
        text(&sandbox.run(&["ps"]).stdout).contains("crash loop (")
    })
    .await;
    let refused = ended(&run(&sandbox, &["restart", "worker"]).await, 1);
    assert!(refused.contains("failed (exit code 3)"), "{refused}");
    std::fs::rename(file.with_extension("away"), &file).unwrap();
    sandbox.wait_until_green().await;

    // A row that could not be written then is written by the next host.
    ended(&run(&sandbox, &["stop"]).await, 0);
    sandbox.wait_until_empty().await;
    let nobody = || {
        let mut command = sandbox.sides(&["host", "--port", "0"]);
        command.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing");
        command
    };
    let mut host = Dev::start(nobody());
    host.says("worker answers").await;
    host.says("web answers").await;
    ended(&run(&sandbox, &["restart", "web", "--reason", "while it was away"]).await, 0);
    ended(&run(&sandbox, &["stop"]).await, 0);
    host.ended().await;
    assert_eq!(rows_of(&database, "reason = 'while it was away'").await, 0);
    ended(&run(&sandbox, &["up", "--port", "0"]).await, 0);
    wait_until("the row is there", PATIENCE, async || {
        rows_of(&database, "reason = 'while it was away' AND outcome = 'done'").await == 1
    })
    .await;
    ended(&run(&sandbox, &["stop"]).await, 0);
    sandbox.wait_until_empty().await;
}
