//! Releases that go on in the background: the command that built returns, and the status says how they stand and how they
//! ended.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::Value;
use testing::{TestDatabase, wait_until};

use crate::{
    host::Dev,
    release_faults::{steps, until_stage},
    releasing::{ended, released, run, shown},
    sandbox::{PATIENCE, Sandbox, signal},
    schemas, toy,
};

/// What `sides release status --json` says, and with which exit code.
async fn status_with(sandbox: &Sandbox, arguments: &[&str]) -> (Value, i32) {
    let line = [&["release", "status", "--json"], arguments].concat();
    let output = run(sandbox, &line).await;
    let code = output.status.code().unwrap();
    let said = ended(&output, code);
    schemas::hold(&line, &output.stdout).unwrap();
    (serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}")), code)
}

async fn status(sandbox: &Sandbox) -> (Value, i32) {
    status_with(sandbox, &[]).await
}

/// Waits for its end.
async fn end(sandbox: &Sandbox) -> (Value, i32) {
    status_with(sandbox, &["--wait"]).await
}

/// A release of version two of web that goes on in the background, watched for so long.
async fn detach(sandbox: &Sandbox, version: &str, bake: &str) -> Value {
    toy::write_program(sandbox, "web", &toy::program(version));
    let said = ended(&run(sandbox, &["release", "--detach", "--bake", bake]).await, 0);
    assert!(said.contains("built web") && said.contains("1. replace web"), "{said}");
    assert!(said.contains("goes on in the background") && said.contains("sides release status"), "{said}");
    let (status, code) = status(sandbox).await;
    assert_eq!((&status["state"], code), (&"under_way".into(), 0), "{status}");
    assert!(said.contains(&format!("pid {}", status["pid"])), "{said}");
    status
}

fn log(status: &Value) -> String {
    fs::read_to_string(status["log"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_release_ends_well_or_is_undone_and_its_status_says_which() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    let (first, code) = status(&sandbox).await;
    assert_eq!(
        (&first["state"], &first["number"], &first["log"], code),
        (&"released".into(), &1.into(), &Value::Null, 0),
        "a release that somebody stayed for has a status, too"
    );

    detach(&sandbox, "two", "8").await;
    until_stage(&sandbox, "watch", "begun").await;
    let (watched, _) = status(&sandbox).await;
    assert!(watched["watched_until"].is_string() && watched["exit_code"].is_null(), "{watched}");
    let words = ended(&run(&sandbox, &["release", "status"]).await, 0);
    assert!(words.contains("Release 2, started") && words.contains("begun  watch for 8 s"), "{words}");
    assert!(words.contains("In progress") && words.contains("are watched until"), "{words}");
    let words = ended(&run(&sandbox, &["release", "status", "--wait"]).await, 0);
    assert!(words.contains("done  watch for 8 s") && words.contains("Released at"), "{words}");
    let (good, _) = status(&sandbox).await;
    assert_eq!((&good["state"], &good["exit_code"]), (&"released".into(), &0.into()), "{good}");
    assert!(log(&good).contains("watched for 8 s"), "{}", log(&good));
    assert_eq!(shown(&sandbox).await, "two of first");
    let nothing = ended(&run(&sandbox, &["release", "--detach"]).await, 5);
    assert!(!nothing.contains("in the background"), "{nothing}");

    detach(&sandbox, "three", "120").await;
    until_stage(&sandbox, "watch", "begun").await;
    toy::ask(&sandbox, "fail", "three");
    let (undone, code) = end(&sandbox).await;
    assert_eq!((&undone["state"], &undone["exit_code"], code), (&"undone".into(), &6.into(), 6), "{undone}");
    assert!(undone["reason"].as_str().unwrap().contains("answered HTTP/1.1 500 Broken"), "{undone}");
    assert!(undone["receipt"].is_i64() && undone["next"].is_null(), "{undone}");
    let last = undone["steps"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["what"], &last["stage"]), (&"put web back".into(), &"done".into()), "{undone}");
    assert!(log(&undone).contains("Undone"), "{}", log(&undone));
    assert_eq!(shown(&sandbox).await, "two of first");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_once_one_is_refused_and_a_rollback_ends_the_other_or_takes_up_what_a_kill_left() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    let goes_on = detach(&sandbox, "two", "600").await;
    until_stage(&sandbox, "watch", "begun").await;
    toy::write_program(&sandbox, "web", &toy::program("three"));
    let second = ended(&run(&sandbox, &["release", "--detach"]).await, 1);
    assert!(second.contains("another release is in progress"), "{second}");
    assert!(!second.contains("in the background"), "{second}");
    let (still, _) = status(&sandbox).await;
    assert_eq!((&still["state"], &still["pid"]), (&"under_way".into(), &goes_on["pid"]), "{still}");
    let back = ended(&run(&sandbox, &["rollback", "--bake", "0"]).await, 0);
    assert!(back.contains("was stopped"), "{back}");
    let (back, code) = status(&sandbox).await;
    assert_eq!((&back["state"], &back["rollback"], code), (&"released".into(), &true.into(), 0), "{back}");
    assert_eq!(shown(&sandbox).await, "one of first");

    let goes_on = detach(&sandbox, "four", "600").await;
    until_stage(&sandbox, "watch", "begun").await;
    signal(goes_on["pid"].as_i64().unwrap().try_into().unwrap(), Signal::SIGKILL);
    let (killed, code) = end(&sandbox).await;
    assert_eq!((&killed["state"], &killed["exit_code"], code), (&"killed".into(), &7.into(), 7), "{killed}");
    assert_eq!(killed["next"], "sides rollback");
    let words = ended(&run(&sandbox, &["release", "status"]).await, 7);
    assert!(
        words.contains("Killed: its process ended") && words.contains("`sides rollback` undoes"),
        "{words}"
    );
    ended(&run(&sandbox, &["rollback", "--bake", "0"]).await, 0);
    assert_eq!(shown(&sandbox).await, "one of first");
    assert_eq!(status(&sandbox).await.1, 0);
}

/// What a command that has ended said may be read a moment later.
async fn said(command: &Dev, text: &str) {
    wait_until(text, PATIENCE, async || command.said().contains(text)).await;
}

/// Has the command wait where `hold` is called, until the file has gone.
const HOLD: &str = "fn hold() { while std::path::Path::new(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../../hold\")).exists() \
     { std::thread::sleep(std::time::Duration::from_millis(20)); } }";

#[tokio::test(flavor = "multi_thread")]
async fn what_ran_when_the_build_began_is_handed_over_and_ctrl_c_ends_only_the_waiting() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    toy::write_program(&sandbox, "web", &toy::program("two"));
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);

    // Somebody goes back while the third version is built.
    toy::write_program(&sandbox, "web", &toy::program("three"));
    let script = format!("{HOLD} fn main() {{ println!(\"cargo::rerun-if-changed=build.rs\"); hold(); }}");
    fs::write(sandbox.file("crates/web/build.rs"), script).unwrap();
    fs::write(sandbox.file("hold"), "").unwrap();
    let mut overtaken = Dev::start(sandbox.sides(&["release", "--detach", "--bake", "0"]));
    overtaken.says("build web …").await;
    ended(&run(&sandbox, &["rollback", "--bake", "0"]).await, 0);
    fs::remove_file(sandbox.file("hold")).unwrap();
    assert_eq!(overtaken.ended().await.code(), Some(8), "{}", overtaken.said());
    said(&overtaken, "somebody else released or rolled back").await;
    assert_eq!(shown(&sandbox).await, "one of first");
    let (refused, code) = status(&sandbox).await;
    assert_eq!(
        (&refused["state"], &refused["number"], code),
        (&"refused".into(), &Value::Null, 8),
        "{refused}"
    );

    // The schema's program keeps the release from finding its order.
    fs::remove_file(sandbox.file("crates/web/build.rs")).unwrap();
    toy::write_migrate(&sandbox, &format!("{HOLD} fn main() {{ hold(); }}"));
    fs::write(sandbox.file("hold"), "").unwrap();
    let mut waiting = Dev::start(sandbox.sides(&["release", "--detach", "--bake", "1"]));
    waiting.says("try the migrations").await;
    assert_eq!(status(&sandbox).await.0["state"], "planning");
    waiting.interrupt();
    assert_eq!(waiting.ended().await.code(), Some(0), "{}", waiting.said());
    said(&waiting, "it has not begun yet").await;
    fs::remove_file(sandbox.file("hold")).unwrap();
    let (good, code) = end(&sandbox).await;
    assert_eq!((&good["state"], code), (&"released".into(), 0), "{good}");
    assert_eq!(shown(&sandbox).await, "three of first");
    let left = fs::read_dir(sandbox.file(".sides/run")).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|name| !name.starts_with("prepared-")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_cannot_be_written_keeps_a_release_from_beginning_and_none_from_ending() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    let before = sandbox.status()["releases"].clone();
    // As on a full disk, no new file can be made.
    let in_the_way = sandbox.file(".sides/run/release.new");
    fs::create_dir(&in_the_way).unwrap();
    toy::write_program(&sandbox, "web", &toy::program("two"));
    for arguments in [&["release", "--bake", "0"][..], &["release", "--detach", "--bake", "0"]] {
        let said = ended(&run(&sandbox, arguments).await, 1);
        assert!(said.contains("cannot write") && said.contains("run/release.json"), "{said}");
        assert!(!said.contains("in the background"), "{said}");
    }
    assert_eq!((&sandbox.status()["releases"], steps(&sandbox)), (&before, Vec::new()));
    fs::remove_dir(&in_the_way).unwrap();

    let goes_on = detach(&sandbox, "two", "5").await;
    until_stage(&sandbox, "watch", "begun").await;
    fs::create_dir(&in_the_way).unwrap();
    let pid: i32 = goes_on["pid"].as_i64().unwrap().try_into().unwrap();
    wait_until("it has ended", PATIENCE, async || sandbox.residents().iter().all(|(one, _)| *one != pid))
        .await;
    assert!(log(&goes_on).contains("`sides release status` is behind"), "{}", log(&goes_on));
    assert!(log(&goes_on).contains("Released"), "{}", log(&goes_on));
    let (good, code) = status(&sandbox).await;
    assert_eq!((&good["state"], code), (&"released".into(), 0), "what was seen of the set is known: {good}");
    assert_eq!(shown(&sandbox).await, "two of first");
}
