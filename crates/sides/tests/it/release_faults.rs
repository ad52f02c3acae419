//! Releases that do not go well: what was replaced is put back, and whoever comes next is told.

use nix::sys::signal::Signal;
use testing::{TestDatabase, wait_until};

use crate::{
    releasing::{ended, receipt, run, shown, start_host},
    rows,
    sandbox::{PATIENCE, Sandbox, signal},
    toy,
};

/// A host that runs the first release.
async fn released(database: &TestDatabase) -> (Sandbox, crate::host::Dev) {
    let sandbox = Sandbox::with(&["web", "worker"]).on(database);
    toy::write_workspace(&sandbox);
    let mut host = start_host(&sandbox);
    host.says("web was not released yet").await;
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    sandbox.wait_until_green().await;
    (sandbox, host)
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
async fn a_release_that_is_cut_off_is_told_of_and_finished_by_the_next() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    let before = sandbox.status()["releases"]["web"].clone();
    toy::write_shared(&sandbox, "second");
    let slow = toy::program("two").replace("fn main() {", "fn main() { sleep(Duration::from_secs(8));");
    toy::write_program(&sandbox, "web", &slow);
    let mut release = crate::host::Dev::start(sandbox.sides(&["release", "--bake", "0"]));
    release.says("replaced worker").await;
    let second = ended(&run(&sandbox, &["release"]).await, 1);
    assert!(second.contains("another release goes on"), "{second}");
    signal(release.pid(), Signal::SIGKILL);
    release.ended().await;

    let web = async || shown(&sandbox).await;
    let runs = || sandbox.status()["releases"]["web"].clone();
    wait_until("the host has finished what it was told", PATIENCE, async || runs() != before).await;
    toy::write_program(&sandbox, "web", &toy::program("three"));
    let next = ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    assert!(next.contains("was cut off after it had replaced web, worker"), "{next}");
    assert_eq!(web().await, "three of second");
    let back = ended(&run(&sandbox, &["rollback", "--bake", "0"]).await, 0);
    assert!(back.contains("Released"), "{back}");
    assert_eq!(web().await, "one of first", "the last set that was known to be good");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_host_or_sources_the_way_on_is_said() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web"]).on(&database);
    assert!(ended(&run(&sandbox, &["release"]).await, 3).contains("sides host"));
    let mut host = start_host(&sandbox);
    host.says("web was not released yet").await;
    assert!(ended(&run(&sandbox, &["release"]).await, 1).contains("release from the checkout"));
    assert!(
        ended(&run(&sandbox, &["release", "--only", "mail"]).await, 1).contains("there is no Procfile.mail")
    );
    ended(&run(&sandbox, &["rollback"]).await, 5);
    assert!(ended(&run(&sandbox, &["restart", "web"]).await, 1).contains("it was not released yet"));
    let second = ended(&run(&sandbox, &["host"]).await, 1);
    assert!(second.contains("runs here already"), "{second}");
}
