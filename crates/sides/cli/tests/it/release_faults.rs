//! Releases that do not go well: what was replaced is put back, and whoever comes next is told.

use nix::sys::signal::Signal;
use testing::{TestDatabase, wait_until};

use crate::{
    host::Dev,
    releasing::{ended, receipt, released, run, shown, start_host},
    rows,
    sandbox::{PATIENCE, Sandbox, signal},
    toy,
};

/// How far the release in a workspace has come: each step with its stage.
pub(crate) fn steps(sandbox: &Sandbox) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(sandbox.file(".sides/releases/interrupted.json")).unwrap_or_default();
    let release: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let steps = release["steps"].as_array().cloned().unwrap_or_default();
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    steps.iter().map(|step| (word(&step["what"]), word(&step["stage"]))).collect()
}

/// Waits until the step that begins so has come so far.
pub(crate) async fn until_stage(sandbox: &Sandbox, step: &str, stage: &str) {
    let there = async || steps(sandbox).iter().any(|(what, now)| what.starts_with(step) && now == stage);
    wait_until(&format!("{step} is {stage}"), PATIENCE, there).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_dies_at_its_start_is_undone_with_what_went_before_it() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    let before = sandbox.status()["releases"].clone();
    toy::write_shared(&sandbox, "second");
    let dies = toy::program("two").replace("fn main() {", "fn main() { panic!(\"not today\");");
    toy::write_program(&sandbox, "web", &dies);
    let receipt = receipt(&run(&sandbox, &["release", "--bake", "0", "--json"]).await, 6);
    assert!(
        receipt["reason"].as_str().unwrap().contains("the new web was not ready: failed (exit code 101)"),
        "{receipt}"
    );
    assert_eq!((&receipt["outcome"], &receipt["requests"]["failed"]), (&"undone".into(), &0.into()));
    assert_eq!(sandbox.status()["releases"], before, "the worker, replaced first, was put back");
    assert_eq!(shown(&sandbox).await, "one of first");
    assert_eq!(rows::count(database.url(), "sides.releases WHERE outcome = 'undone'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_visitors_is_undone() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    // Good enough to become ready, and then no more.
    let fails = toy::program("two").replace(
        "let (status, text) = (\"200 OK\",",
        "static ASKED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
         let (status, text) = (if ASKED.fetch_add(1, SeqCst) < 40 { \"200 OK\" } else { \"500 Broken\" },",
    );
    toy::write_program(&sandbox, "web", &fails);
    let receipt = receipt(&run(&sandbox, &["release", "--bake", "60", "--json"]).await, 6);
    assert!(receipt["reason"].as_str().unwrap().contains("answered HTTP/1.1 500 Broken"), "{receipt}");
    assert_eq!(shown(&sandbox).await, "one of first");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_release_is_told_of_and_finished_by_the_next() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    let before = sandbox.status()["releases"]["web"].clone();
    toy::write_shared(&sandbox, "second");
    // It says at once what it needs, and starts when the test wants it to.
    let slow = toy::program("two").replace(
        "unsafe { signal(",
        "while !is_asked(\"start\") { sleep(Duration::from_millis(20)); } unsafe { signal(",
    );
    toy::write_program(&sandbox, "web", &slow);
    let mut release = Dev::start(sandbox.sides(&["release", "--bake", "0"]));
    release.says("replaced worker").await;
    let webs = || {
        sandbox.status()["processes"].as_array().unwrap().iter().filter(|one| one["name"] == "web").count()
    };
    wait_until("the host replaces web", PATIENCE, async || webs() == 2).await;
    let second = ended(&run(&sandbox, &["release"]).await, 1);
    assert!(second.contains("another release is in progress"), "{second}");
    signal(release.pid(), Signal::SIGKILL);
    release.ended().await;

    toy::ask(&sandbox, "start", "two");
    let web = async || shown(&sandbox).await;
    let runs = || sandbox.status()["releases"]["web"].clone();
    wait_until("the host has finished what it was told", PATIENCE, async || runs() != before).await;
    toy::write_program(&sandbox, "web", &toy::program("three"));
    let next = ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    assert!(next.contains("the last release was interrupted"), "{next}");
    assert!(next.contains("done  replace worker") && next.contains("begun  replace web"), "{next}");
    assert!(next.contains("web runs the new release"), "{next}");
    assert_eq!(web().await, "three of second");
    let back = ended(&run(&sandbox, &["rollback", "--bake", "0"]).await, 0);
    assert!(back.contains("Released"), "{back}");
    assert_eq!(web().await, "one of first", "the last set that was known to be good");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_host_or_sources_the_way_on_is_said() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web"]).on(&database);
    assert!(ended(&run(&sandbox, &["release"]).await, 3).contains("sides up"));
    let mut host = start_host(&sandbox);
    host.says("web has not been released yet").await;
    assert!(ended(&run(&sandbox, &["release"]).await, 1).contains("release from the checkout"));
    assert!(
        ended(&run(&sandbox, &["release", "--only", "mail"]).await, 1).contains("there is no Procfile.mail")
    );
    ended(&run(&sandbox, &["rollback"]).await, 5);
    assert!(ended(&run(&sandbox, &["restart", "web"]).await, 1).contains("web has not been released yet"));
    let second = ended(&run(&sandbox, &["host"]).await, 1);
    assert!(second.contains("is already running here"), "{second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_neither_go_on_nor_back_is_partial_and_said_so() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    let old = sandbox.status()["releases"]["web"].as_str().unwrap().to_owned();
    toy::write_program(&sandbox, "web", &toy::program("two"));
    let mut release = Dev::start(sandbox.sides(&["release", "--bake", "60"]));
    until_stage(&sandbox, "watch", "begun").await;
    std::fs::remove_dir_all(sandbox.file(&format!(".sides/releases/web/{old}"))).unwrap();
    toy::ask(&sandbox, "fail", "two");
    assert_eq!(release.ended().await.code(), Some(7), "{}", release.said());
    assert!(release.said().contains("Incomplete"), "{}", release.said());
    assert!(release.said().contains("is no longer kept here"), "{}", release.said());
    let next = ended(&run(&sandbox, &["release", "--dry-run"]).await, 5);
    assert!(next.contains("the last release was interrupted"), "{next}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_instance_that_does_not_leave_is_killed_and_the_receipt_says_so() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["worker"]).on(&database);
    toy::write_workspace(&sandbox);
    toy::write_program(&sandbox, "worker", &toy::deaf_program("one"));
    let mut host = sandbox.sides(&["host", "--port", "0"]);
    host.env("DRAIN_SECONDS", "1");
    let mut host = Dev::start(host);
    host.says("worker has not been released yet").await;
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    let deaf = sandbox.pid_of("worker").unwrap();
    toy::write_program(&sandbox, "worker", &toy::program("two"));
    let receipt = receipt(&run(&sandbox, &["release", "--bake", "0", "--json"]).await, 0);
    let note = receipt["notes"][0].as_str().unwrap_or_else(|| panic!("no note in {receipt}"));
    assert!(note.starts_with("worker.1 did not stop within 6 s"), "{note}");
    assert!(nix::sys::signal::kill(nix::unistd::Pid::from_raw(deaf), None).is_err(), "it still runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_instance_with_a_long_drain_ends_what_it_began_and_only_a_schema_that_narrows_waits_for_it() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["worker"]).on(&database);
    toy::write_workspace(&sandbox);
    toy::write_program(&sandbox, "worker", &toy::deaf_program("one"));
    let mut host = sandbox.sides(&["host", "--port", "0"]);
    host.env("DRAIN_SECONDS", "2400");
    let mut host = Dev::start(host);
    host.says("worker has not been released yet").await;
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    let old = sandbox.pid_of("worker").unwrap();
    // It says what it uses, or nothing could be dropped.
    let says = r#"{"manifest_version": 1, "process": "worker", "digest": "", "tables": {}}"#;
    toy::write_program(&sandbox, "worker", &toy::program_that_says("two", says));
    let receipt = receipt(&run(&sandbox, &["release", "--bake", "0", "--json"]).await, 0);
    let note = receipt["notes"][0].as_str().unwrap_or_else(|| panic!("no note in {receipt}"));
    assert!(note.contains("has not left yet: it ends what it began"), "{note}");
    let is_there = || nix::sys::signal::kill(nix::unistd::Pid::from_raw(old), None).is_ok();
    assert!(is_there(), "it was ended");

    toy::write_migrate(&sandbox, toy::DROPS);
    let mut release = Dev::start(sandbox.sides(&["release", "--bake", "0"]));
    release.says("waiting for it before the step").await;
    assert!(is_there() && !sandbox.file("dropped").exists(), "{}", release.said());
    signal(old, Signal::SIGKILL);
    assert!(release.ended().await.success(), "{}", release.said());
    assert!(sandbox.file("dropped").exists(), "{}", release.said());
    host.interrupt();
    host.ended().await;
}
