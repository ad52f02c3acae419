//! A process with several instances is released by way of a canary: one instance of the new build serves beside the others
//! first, and a bad one is ended without touching them.

use std::{collections::BTreeSet, net::SocketAddr, path::Path, time::Duration};

use nix::sys::signal::Signal;
use platform::prober::{Plan, Prober};
use serde_json::Value;
use testing::{TestDatabase, wait_until};

use crate::{
    host::Dev,
    release_faults::{steps, until_stage},
    releasing::{ended, released, run, shown, start_host},
    rows,
    sandbox::{PATIENCE, Sandbox, signal},
    toy,
};

/// A program whose answers say which build gave them, as the crate `web` does.
fn named(version: &str) -> String {
    let program = toy::program(version);
    let (good, bad) = (
        r#"format!("HTTP/1.1 {status}\r\nconn"#,
        r#"b"HTTP/1.1 500 Broken\r\nconnection: close\r\ncontent-length: 0\r\n\r\n""#,
    );
    assert!(program.contains(good) && program.contains(bad));
    program
        .replace(good, r#"format!("HTTP/1.1 {status}\r\nsides-release: {}\r\nconn"#)
        .replace("\\r\\n\\r\\n\", text.len());", "\\r\\n\\r\\n\", variable(\"RELEASE\"), text.len());")
        .replace(
            bad,
            r#"format!("HTTP/1.1 500 Broken\r\nsides-release: {}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", variable("RELEASE")).as_bytes()"#,
        )
}

/// A host with so many instances of web and worker, and a canary of each that is watched so long.
async fn several(database: &TestDatabase, instances: u32, seconds: u32) -> (Sandbox, Dev) {
    let (sandbox, host) = released(database).await;
    toy::write_program(&sandbox, "web", &named("one"));
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    for process in ["web", "worker"] {
        ended(&run(&sandbox, &["scale", process, &instances.to_string()]).await, 0);
    }
    set_canary(&sandbox, seconds);
    sandbox.wait_until_green().await;
    (sandbox, host)
}

fn set_canary(sandbox: &Sandbox, seconds: u32) {
    let text = format!("[processes.web]\ncanary = {seconds}\n[processes.worker]\ncanary = {seconds}\n");
    std::fs::create_dir_all(sandbox.file("deploy")).unwrap();
    std::fs::write(sandbox.file("deploy/release.toml"), text).unwrap();
}

/// The pids of the instances of a process that run this release, those that leave left out.
fn pids(sandbox: &Sandbox, process: &str, release: &Value) -> BTreeSet<i64> {
    let status = sandbox.status();
    let all = status["processes"].as_array().unwrap();
    let is_it =
        |one: &&Value| one["name"] == process && one["release"] == *release && one["state"] != "draining";
    all.iter().filter(is_it).filter_map(|one| one["pid"].as_i64()).collect()
}

/// A release whose canary serves, and that canary's build.
async fn with_canary(sandbox: &Sandbox, process: &str) -> (Dev, Value) {
    // How long answers take on a busy machine is other tests' business.
    let release = Dev::start(sandbox.sides(&["release", "--bake", "1", "--slower", "0"]));
    until_stage(sandbox, &format!("try a canary of {process}"), "begun").await;
    let canary = || sandbox.status()["canaries"][process].clone();
    wait_until("the canary serves", PATIENCE, async || canary().is_string()).await;
    (release, canary())
}

async fn last_receipt(database: &TestDatabase) -> Value {
    let query = "SELECT receipt::text AS word FROM sides.releases ORDER BY id DESC LIMIT 1";
    serde_json::from_str(&rows::word(database.url(), query).await.unwrap()).unwrap()
}

fn kinds(receipt: &Value) -> Vec<&str> {
    receipt["steps"].as_array().unwrap().iter().map(|step| step["step"]["kind"].as_str().unwrap()).collect()
}

fn clients(sandbox: &Sandbox) -> Prober {
    let page = sandbox.status()["address"].as_str().unwrap().to_owned();
    let address: SocketAddr = page.strip_prefix("http://").unwrap().parse().unwrap();
    let pause = Duration::from_millis(10);
    Prober::start(&Plan { address, path: "/".to_owned(), fresh: 4, kept: 0, pause })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_canary_is_ended_and_the_others_are_never_touched() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = several(&database, 3, 60).await;
    let before = sandbox.status()["releases"].clone();
    let old = pids(&sandbox, "web", &before["web"]);
    assert_eq!(old.len(), 3);
    toy::write_program(&sandbox, "web", &named("two"));
    let plan = ended(&run(&sandbox, &["plan", "--build"]).await, 0);
    assert!(plan.contains("1. try a canary of web for 60 s: one instance of"), "{plan}");

    let clients = clients(&sandbox);
    let (mut release, canary) = with_canary(&sandbox, "web").await;
    assert_eq!(pids(&sandbox, "web", &canary).len(), 1);
    toy::ask(&sandbox, "fail", "two");
    assert_eq!(release.ended().await.code(), Some(6), "{}", release.said());
    let by_others = clients.lap_of(&before["web"].as_str().unwrap()[..12]);
    assert_eq!(by_others.failed(), 0, "{:?}", by_others.failures);
    let all = clients.end().await;
    let why: Vec<&String> = all.failures.keys().collect();
    assert_eq!(why, ["answered HTTP/1.1 500 Broken"], "what failed is what the canary answered");

    assert_eq!((pids(&sandbox, "web", &before["web"]), &sandbox.status()["releases"]), (old, &before));
    assert_eq!(pids(&sandbox, "web", &canary), BTreeSet::new());
    assert_eq!((&sandbox.status()["canaries"], steps(&sandbox)), (&serde_json::json!({}), Vec::new()));
    let receipt = last_receipt(&database).await;
    assert_eq!((&receipt["outcome"], kinds(&receipt)), (&"undone".into(), vec!["end_canary"]), "{receipt}");
    assert!(receipt["reason"].as_str().unwrap().contains("answered HTTP/1.1 500 Broken"), "{receipt}");
    let told =
        "sides.actions WHERE subject = 'web' AND action IN ('canary', 'end canary') AND outcome = 'done'";
    wait_until("the ledger has both", PATIENCE, async || rows::count(database.url(), told).await >= 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_canary_is_the_first_of_the_new_instances() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = several(&database, 2, 3).await;
    for process in ["web", "worker"] {
        toy::write_program(&sandbox, process, &named("two"));
    }
    let clients = clients(&sandbox);
    let (mut release, worker) = with_canary(&sandbox, "worker").await;
    let first = pids(&sandbox, "worker", &worker);
    until_stage(&sandbox, "try a canary of web", "begun").await;
    assert_eq!(release.ended().await.code(), Some(0), "{}", release.said());
    let failures = clients.end().await.failures;
    assert!(failures.is_empty(), "{failures:?}");

    let status = sandbox.status();
    assert_eq!((&status["releases"]["worker"], &status["canaries"]), (&worker, &serde_json::json!({})));
    let new = pids(&sandbox, "worker", &worker);
    assert!(new.len() == 2 && new.is_superset(&first), "{first:?} is not in {new:?}");
    assert_eq!(pids(&sandbox, "web", &status["releases"]["web"]).len(), 2);
    assert_eq!(shown(&sandbox).await, "two of first");
    let receipt = last_receipt(&database).await;
    assert_eq!(kinds(&receipt), ["canary", "replace", "canary", "replace", "watch"], "{receipt}");
    let notes = receipt["notes"].to_string();
    assert!(notes.contains("the canary of web answered") && notes.contains(", 0 of them badly"), "{notes}");
    assert!(notes.contains("the canary of worker ran no job"), "{notes}");
    assert_eq!(receipt["requests"]["failed"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_of_a_release_that_was_killed_is_ended_or_gone_on_with() {
    let database = TestDatabase::create().await;
    let (sandbox, host) = several(&database, 2, 60).await;
    let before = sandbox.status()["releases"].clone();
    let old = pids(&sandbox, "web", &before["web"]);
    toy::write_program(&sandbox, "web", &named("two"));
    let killed = async || {
        let (mut release, canary) = with_canary(&sandbox, "web").await;
        signal(release.pid(), Signal::SIGKILL);
        release.ended().await;
        canary
    };
    let left_alone = |canary: &Value| {
        assert_eq!(
            (pids(&sandbox, "web", &before["web"]), pids(&sandbox, "web", canary)),
            (old.clone(), [].into())
        );
        assert_eq!((&sandbox.status()["canaries"], steps(&sandbox)), (&serde_json::json!({}), Vec::new()));
    };

    let canary = killed().await;
    let told = ended(&run(&sandbox, &["release", "--dry-run"]).await, 0);
    assert!(
        told.contains("begun  try a canary of web") && told.contains("one instance of web is a canary"),
        "{told}"
    );
    // Badly as it may answer, what was seen good is no further back than this.
    toy::ask(&sandbox, "fail", "two");
    let back = run(&sandbox, &["rollback", "--bake", "1", "--json"]).await;
    let printed: Value = serde_json::from_slice(&back.stdout).unwrap();
    let back = ended(&back, 0);
    assert!(back.contains("the canary of web") && back.contains("was ended"), "{back}");
    left_alone(&canary);
    let receipt = last_receipt(&database).await;
    assert_eq!((kinds(&receipt), &printed["steps"]), (vec!["end_canary"], &receipt["steps"]));
    assert!(receipt["jobs"].is_object() && receipt["ticks"].is_object(), "{receipt}");
    toy::ask_no_more(&sandbox, "fail", "two");

    // Nobody wants it any more.
    let canary = killed().await;
    toy::write_program(&sandbox, "web", &named("one"));
    let said = ended(&run(&sandbox, &["release"]).await, 0);
    left_alone(&canary);
    assert!(said.contains("end the canary of web"), "{said}");

    // The host is killed as well: the next one keeps the canary, and the next release goes on with it.
    toy::write_program(&sandbox, "web", &named("two"));
    let canary = killed().await;
    let first = pids(&sandbox, "web", &canary);
    signal(host.pid(), Signal::SIGKILL);
    let mut host = host;
    host.ended().await;
    let _host = start_host(&sandbox);
    sandbox.wait_until_green().await;
    assert_eq!((pids(&sandbox, "web", &canary), pids(&sandbox, "web", &before["web"])), (first.clone(), old));
    set_canary(&sandbox, 2);
    ended(&run(&sandbox, &["release", "--bake", "1", "--slower", "0"]).await, 0);
    let new = pids(&sandbox, "web", &canary);
    assert!(new.len() == 2 && new.is_superset(&first), "{first:?} is not in {new:?}");
    assert_eq!(sandbox.status()["releases"]["web"], canary);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_goes_on_when_its_host_is_killed_under_a_canary() {
    let database = TestDatabase::create().await;
    let (sandbox, mut host) = several(&database, 2, 8).await;
    toy::write_program(&sandbox, "web", &named("two"));
    let (mut release, canary) = with_canary(&sandbox, "web").await;
    signal(host.pid(), Signal::SIGKILL);
    host.ended().await;
    let _host = start_host(&sandbox);
    assert_eq!(release.ended().await.code(), Some(0), "{}", release.said());
    assert_eq!(pids(&sandbox, "web", &canary).len(), 2);
    assert_eq!(last_receipt(&database).await["requests"]["failed"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_canary_that_fails_one_kind_of_job_is_ended() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = several(&database, 2, 60).await;
    let before = sandbox.status()["releases"]["worker"].clone();
    let old = pids(&sandbox, "worker", &before);
    // By the queue's own rules: whoever claims says which build it is.
    let works = async |worker: u8, release: &Value, kind: &str, ends: &str| {
        let enqueue = format!("SELECT sides.enqueue('{kind}') FROM generate_series(1, 8)");
        rows::execute(database.url(), &enqueue).await;
        let worker = format!("'00000000-0000-4000-8000-00000000000{worker}'");
        let release = &release.as_str().unwrap()[..12];
        let ends = ends.replace("MINE", &format!("{worker}, job, lease"));
        let claim = format!("sides.claim({worker}, ARRAY['{kind}'], 8, '30 seconds', '{release}')");
        rows::execute(database.url(), &format!("SELECT {ends} FROM {claim}")).await;
    };
    works(1, &before, "mail", "sides.complete(MINE)").await;
    toy::write_program(&sandbox, "worker", &named("two"));
    let (mut release, canary) = with_canary(&sandbox, "worker").await;
    works(2, &canary, "ping", "sides.complete(MINE)").await;
    works(2, &canary, "mail", "sides.fail(MINE, 'not today', '1 hour')").await;
    assert_eq!(release.ended().await.code(), Some(6), "{}", release.said());
    let receipt = last_receipt(&database).await;
    let reason = receipt["reason"].as_str().unwrap();
    assert_eq!(reason, "the new worker failed at 8 of 8 jobs of the kind \"mail\", the old one at 0 of 8");
    assert_eq!((pids(&sandbox, "worker", &before), pids(&sandbox, "worker", &canary)), (old, [].into()));
    assert!(!Path::new(&sandbox.file(".sides/releases/canaries.json")).exists());
}
