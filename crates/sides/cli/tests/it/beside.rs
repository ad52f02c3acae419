//! A new web is asked beside the old one before any visitor reaches it: one that is slower or fails is refused, whatever
//! else the machine is busy with, and the same build is not.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use testing::TestDatabase;

use crate::{
    host::Dev,
    release_faults::until_stage,
    releasing::{ended, receipt, released, run, shown},
    rows,
    sandbox::Sandbox,
    toy,
};

/// More than a small machine can do at once, until it is dropped. How small a difference is found at which load is measured
/// by the example `beside` of `sides-deploy`.
struct Load(Vec<Child>);

impl Load {
    fn start() -> Self {
        let busy = || Command::new("yes").stdout(Stdio::null()).spawn().unwrap();
        Self((0..4).map(|_| busy()).collect())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// A web that takes so long for each answer, and gives several at the same time.
fn web(version: &str, milliseconds: u32) -> String {
    let one_at_a_time = "spawn(move || serve(inherited))";
    let several = "spawn(move || std::thread::scope(|scope| for _ in 0..12 {
            let listener = inherited.try_clone().unwrap();
            scope.spawn(move || serve(listener));
        }))";
    let slow = format!("if public {{ sleep(Duration::from_millis({milliseconds})); }}");
    let never = "if public && is_asked(\"slow\") { sleep(Duration::from_millis(150)); }";
    let program = toy::program(version);
    assert!(program.contains(one_at_a_time) && program.contains(never));
    program.replace(one_at_a_time, several).replace(never, &slow)
}

/// A release of this web, while which the machine is busy: the receipt.
async fn released_beside(database: &TestDatabase, sandbox: &Sandbox, source: &str, code: i32) -> Value {
    toy::write_program(sandbox, "web", source);
    let mut release = Dev::start(sandbox.sides(&["release", "--bake", "1"]));
    until_stage(sandbox, "replace web", "begun").await;
    let load = Load::start();
    let ended = release.ended_within(Duration::from_secs(420)).await;
    assert_eq!(ended.code(), Some(code), "{}", release.said());
    drop(load);
    let query = "SELECT receipt::text AS word FROM sides.releases ORDER BY id DESC LIMIT 1";
    let receipt = rows::word(database.url(), query).await.unwrap();
    serde_json::from_str(&receipt).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slower_web_is_refused_on_a_busy_machine_and_the_same_build_is_not() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    toy::write_program(&sandbox, "web", &web("good", 20));
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);

    let undone = released_beside(&database, &sandbox, &web("slow", 100), 6).await;
    let reason = undone["reason"].as_str().unwrap();
    assert!(reason.contains("the new web is slower than the old build beside it"), "{undone}");
    assert_eq!((&undone["outcome"], &undone["requests"]["failed"]), (&"undone".into(), &0.into()));
    assert_eq!(shown(&sandbox).await, "good of first", "no visitor saw the slow one");

    let same = released_beside(&database, &sandbox, &web("same", 20), 0).await;
    let notes = same["notes"].to_string();
    assert!(notes.contains("beside the old build") && notes.contains("pairs of requests"), "{same}");
    assert_eq!(shown(&sandbox).await, "same of first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_some_requests_is_refused_before_a_visitor_meets_it() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    // One of 100: the page that makes it ready is good.
    let fails = toy::program("two").replace(
        "let (status, text) = (\"200 OK\",",
        "static ASKED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
         let (status, text) = (if ASKED.fetch_add(1, SeqCst) % 100 > 0 { \"200 OK\" } else { \"500 Broken\" },",
    );
    toy::write_program(&sandbox, "web", &fails);
    let receipt = receipt(&run(&sandbox, &["release", "--bake", "1", "--json"]).await, 6);
    let reason = receipt["reason"].as_str().unwrap();
    assert!(reason.contains("requests beside the old build, which failed 0"), "{receipt}");
    assert!(reason.contains("answered HTTP/1.1 500 Broken"), "{receipt}");
    assert_eq!(receipt["requests"]["failed"], 0, "no visitor met it: {receipt}");
    assert_eq!(shown(&sandbox).await, "one of first");
}
