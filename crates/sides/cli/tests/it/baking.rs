//! Builds that are good at first and go wrong while they are watched: they are undone without anybody asking.

use serde_json::Value;
use testing::TestDatabase;

use crate::{
    host::Dev,
    release_faults::until_stage,
    releasing::{released, shown},
    rows,
    sandbox::Sandbox,
    toy,
};

/// Releases version two of a process, has it go wrong while it is watched, and returns the receipt.
async fn undone(
    database: &TestDatabase,
    sandbox: &Sandbox,
    process: &str,
    go_wrong: impl AsyncFnOnce(),
) -> Value {
    toy::write_program(sandbox, process, &toy::program("two"));
    let mut release = Dev::start(sandbox.sides(&["release", "--bake", "120"]));
    until_stage(sandbox, "watch", "begun").await;
    go_wrong().await;
    assert_eq!(release.ended().await.code(), Some(6), "{}", release.said());
    let query = "SELECT receipt::text AS word FROM sides.releases ORDER BY id DESC LIMIT 1";
    let receipt = rows::word(database.url(), query).await.unwrap();
    serde_json::from_str(&receipt).unwrap()
}

fn reason(receipt: &Value) -> &str {
    assert_eq!(receipt["outcome"], "undone");
    receipt["reason"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_that_fails_or_becomes_slow_after_a_while_is_undone() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    let ask = async |what: &str| toy::ask(&sandbox, what, "two");
    let receipt = undone(&database, &sandbox, "web", async || ask("fail").await).await;
    assert!(reason(&receipt).contains("answered HTTP/1.1 500 Broken"), "{receipt}");
    assert!(receipt["requests_before"]["good"].as_u64().unwrap() > 10, "{receipt}");
    assert_eq!(shown(&sandbox).await, "one of first");

    std::fs::remove_file(sandbox.file("fail-two")).unwrap();
    let receipt = undone(&database, &sandbox, "web", async || ask("slow").await).await;
    assert!(reason(&receipt).starts_with("web became slow: 50 % of its answers"), "{receipt}");
    assert_eq!(receipt["requests"]["failed"], 0, "{receipt}");
    assert!(receipt["requests"]["p99_ms"].as_f64().unwrap() > 250.0, "{receipt}");
    assert_eq!(shown(&sandbox).await, "one of first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_or_fails_at_its_jobs_after_a_while_is_undone() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    let before = sandbox.status()["releases"]["worker"].clone();
    let receipt = undone(&database, &sandbox, "worker", async || toy::ask(&sandbox, "die", "two")).await;
    assert!(reason(&receipt).contains("died after it was ready"), "{receipt}");
    assert_eq!(sandbox.status()["releases"]["worker"], before);

    std::fs::remove_file(sandbox.file("die-two")).unwrap();
    let receipt = undone(&database, &sandbox, "worker", async || {
        let release = sandbox.status()["releases"]["worker"].as_str().unwrap()[..12].to_owned();
        let attempts = format!(
            "INSERT INTO sides.job_attempts (job_id, attempt, outcome, release) \
             SELECT gen_random_uuid(), 1, 'retried', '{release}' FROM generate_series(1, 6)"
        );
        rows::execute(database.url(), &attempts).await;
    });
    let receipt = receipt.await;
    assert_eq!(reason(&receipt), "the new worker failed at 6 of 6 jobs, the old one at 0 of 0");
    assert_eq!(receipt["jobs"]["retried"], 6, "{receipt}");
    assert_eq!(sandbox.status()["releases"]["worker"], before);
}
