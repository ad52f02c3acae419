//! Releases that go well: exactly what changed is replaced, nobody is failed, and there is a way back.

use std::process::Output;

use serde_json::Value;
use testing::{TestDatabase, wait_until};

use crate::{
    host::Dev,
    http::http,
    rows,
    sandbox::{PATIENCE, Sandbox, text},
    toy,
};

/// A host on any free port.
pub(crate) fn start_host(sandbox: &Sandbox) -> Dev {
    Dev::start(sandbox.sides(&["host", "--port", "0"]))
}

/// A host that runs the first release.
pub(crate) async fn released(database: &TestDatabase) -> (Sandbox, Dev) {
    let sandbox = Sandbox::with(&["web", "worker"]).on(database);
    toy::write_workspace(&sandbox);
    let mut host = start_host(&sandbox);
    host.says("web has not been released yet").await;
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    sandbox.wait_until_green().await;
    (sandbox, host)
}

pub(crate) async fn shown(sandbox: &Sandbox) -> String {
    let page = sandbox.status()["address"].as_str().unwrap().to_owned();
    http().get(&page).send().await.unwrap().text().await.unwrap()
}

/// A command in another thread: the test's own clients go on meanwhile.
pub(crate) async fn run(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let mut command = sandbox.sides(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Checks the exit code and returns what was said.
pub(crate) fn ended(output: &Output, code: i32) -> String {
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

/// The receipt of `--json`: everything on standard output.
pub(crate) fn receipt(output: &Output, code: i32) -> Value {
    let said = ended(output, code);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_is_replaced_without_a_failed_request_and_there_is_a_way_back() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    toy::write_workspace(&sandbox);
    let mut host = start_host(&sandbox);
    host.says("web has not been released yet").await;
    let first = ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    assert!(first.contains("replace worker: new") && first.contains("Released"), "{first}");
    sandbox.wait_until_green().await;
    assert_eq!(shown(&sandbox).await, "one of first");
    ended(&run(&sandbox, &["release"]).await, 5);

    let pids = || ["web", "worker"].map(|name| sandbox.pid_of(name).unwrap());
    let [web, worker] = pids();
    toy::write_program(&sandbox, "web", &toy::program("two"));
    let dry = ended(&run(&sandbox, &["release", "--dry-run"]).await, 0);
    assert!(dry.contains("1. replace web") && dry.contains("unchanged: worker"), "{dry}");
    assert_eq!(pids(), [web, worker]);

    let receipt = receipt(&run(&sandbox, &["release", "--bake", "1", "--json"]).await, 0);
    assert_eq!(shown(&sandbox).await, "two of first");
    wait_until("the old instance has left", PATIENCE, async || pids()[0] != web).await;
    assert_eq!(pids()[1], worker, "the worker's bytes had not changed");
    assert_eq!((&receipt["outcome"], &receipt["requests"]["failed"]), (&"released".into(), &0.into()));
    assert!(receipt["requests"]["good"].as_u64().unwrap() > 50, "{receipt}");
    assert_eq!(receipt["jobs"]["lost"], 0);

    let back = ended(&run(&sandbox, &["rollback", "--bake", "0"]).await, 0);
    assert!(back.contains("`sides rollback` again to undo this"), "{back}");
    assert_eq!(shown(&sandbox).await, "one of first");
    ended(&run(&sandbox, &["rollback", "--bake", "0"]).await, 0);
    assert_eq!(shown(&sandbox).await, "two of first");
    assert_eq!(rows::count(database.url(), "sides.releases WHERE outcome = 'released'").await, 4);

    let [_, worker] = pids();
    ended(&run(&sandbox, &["restart", "worker"]).await, 0);
    wait_until("a new worker runs", PATIENCE, async || pids()[1] != worker).await;
    host.interrupt();
    assert_eq!(host.ended().await.code(), Some(0));
    assert_eq!(sandbox.residents(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_power_cut_a_host_runs_what_was_released_and_nothing_else() {
    let database = TestDatabase::create().await;
    let (sandbox, mut host) = released(&database).await;
    toy::write_program(&sandbox, "web", &toy::program("not released"));
    for (pid, _) in sandbox.residents() {
        crate::sandbox::signal(pid, nix::sys::signal::Signal::SIGKILL);
    }
    host.ended().await;
    sandbox.wait_until_empty().await;
    let _host = start_host(&sandbox);
    sandbox.wait_until_green().await;
    assert_eq!(shown(&sandbox).await, "one of first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_new_to_the_workspace_is_released_by_the_host_that_runs() {
    let database = TestDatabase::create().await;
    let (sandbox, host) = released(&database).await;
    let unknown = ended(&run(&sandbox, &["scale", "mail", "2"]).await, 1);
    assert!(unknown.contains("no process \"mail\""), "{unknown}");

    toy::write_process(&sandbox, "mail");
    let said = ended(&run(&sandbox, &["release", "--bake", "1"]).await, 0);
    assert!(said.contains("replaced mail"), "{said}");
    sandbox.wait_until_green().await;
    let mail = sandbox.pid_of("mail").unwrap();
    ended(&run(&sandbox, &["restart", "mail"]).await, 0);
    wait_until("a new one runs", PATIENCE, async || sandbox.pid_of("mail").is_some_and(|pid| pid != mail))
        .await;
    drop(host);
}
