//! A save in the running `dev`: what changed is replaced, what did not is left alone, faults take nothing down.

use std::fs;

use testing::{TestDatabase, wait_until};

use crate::{
    http::http,
    sandbox::{PATIENCE, Sandbox},
    toy,
};

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_is_replaced_and_a_fault_takes_nothing_down() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    toy::write_workspace(&sandbox);
    let mut dev = sandbox.dev();
    let page = dev.ready().await;
    let shown = async || http().get(&page).send().await.unwrap().text().await.unwrap();
    let pids = || ["web", "worker"].map(|name| sandbox.pid_of(name).unwrap());
    assert_eq!(shown().await, "one of first");
    let [web, worker] = pids();

    let main = sandbox.file("crates/web/src/main.rs");
    fs::write(&main, toy::program("two")).unwrap();
    wait_until("the new page is shown", PATIENCE, async || shown().await == "two of first").await;
    dev.says("web runs the new build").await;
    wait_until("the old instance has left", PATIENCE, async || pids()[0] != web).await;
    let [web, _] = pids();
    assert_eq!(pids()[1], worker, "the worker had not changed");

    fs::write(&main, toy::program("two").replace("fn main", "fn mian")).unwrap();
    dev.says("the build failed").await;
    assert_eq!((shown().await.as_str(), pids()), ("two of first", [web, worker]));

    fs::write(&main, toy::program("two").replace("fn main() {", "fn main() { panic!(\"not today\");"))
        .unwrap();
    dev.says("the new web was not ready").await;
    assert_eq!((shown().await.as_str(), pids()[1]), ("two of first", worker));

    fs::write(sandbox.file("crates/shared/src/lib.rs"), "pub const NAME: &str = \"second\";\n").unwrap();
    fs::write(&main, toy::program("three")).unwrap();
    wait_until("both are new", PATIENCE, async || shown().await == "three of second").await;
    dev.says("worker runs the new build").await;
    wait_until("the old worker has left", PATIENCE, async || pids()[1] != worker).await;

    fs::write(sandbox.file("crates/web/NOTES.md"), "Not a part of any program.\n").unwrap();
    dev.says("no process has changed").await;
    dev.interrupt();
    assert_eq!(dev.ended().await.code(), Some(0));
    assert_eq!(sandbox.residents(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_watched_when_nobody_wants_it() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    toy::write_workspace(&sandbox);
    let mut dev = sandbox.dev_with(&["--port", "0", "--no-watch"]);
    dev.ready().await;
    fs::write(sandbox.file("crates/web/src/main.rs"), toy::program("two")).unwrap();
    // A second command goes through the same dev after the save, and would come after a notice of it.
    sandbox.wait_until_green().await;
    dev.interrupt();
    assert_eq!(dev.ended().await.code(), Some(0));
    assert!(!dev.said().contains("changed"), "{}", dev.said());
}
