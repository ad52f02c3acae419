//! A new clock that fires its ticks late is undone, and one that does not is not: the real clock, as it is and held up.

use std::{fs, os::unix::fs::PermissionsExt as _};

use platform::{
    local::LocalHost,
    place::{Bundle, BundleFile, Place as _},
};
use serde_json::Value;
use testing::{TestDatabase, wait_until};

use crate::{
    host::Dev,
    programs,
    release_faults::until_stage,
    releasing::{ended, run, start_host},
    rows,
    sandbox::{PATIENCE, Sandbox},
    scaling::put,
};

/// Runs the real clock, and from a moment on has it stand still for 8 of every 9 s.
const HELD_UP: &str = r#"#!/bin/sh
case "$*" in *--manifest*) exec CLOCK "$@";; esac
CLOCK "$@" & clock=$!
trap 'kill -CONT $clock; kill $clock; wait $clock; exit 0' TERM
until [ -e late ]; do sleep 0.2 & wait $!; done
while kill -0 $clock; do
    kill -STOP $clock; sleep 8 & wait $!
    kill -CONT $clock; sleep 1 & wait $!
done
"#;

/// Keeps this script as a build of the clock; its digest.
async fn keep(sandbox: &Sandbox, letter: &str, script: &str) -> String {
    let clock = programs::folder().join("clock");
    let file = sandbox.file(&format!("clock-{letter}"));
    fs::write(&file, script.replace("CLOCK", clock.to_str().unwrap())).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let bundle = Bundle {
        command: "./clock".to_owned(),
        files: vec![BundleFile { name: "clock".to_owned(), source: file }],
    };
    let digest = letter.repeat(64);
    LocalHost::of(&sandbox.file(".sides/run")).offer("clock", &digest, &bundle).await.unwrap();
    digest
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_fires_late_is_undone_and_an_honest_one_is_not() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["worker", "clock"]).on(&database);
    let mut host = start_host(&sandbox);
    host.says("clock has not been released yet").await;
    // It handles what the clock enqueues.
    put(&sandbox, "worker", &programs::folder().join("worker")).await;
    put(&sandbox, "clock", &programs::folder().join("clock")).await;
    let ticks = async || rows::count(database.url(), "sides.ticks WHERE asked_by IS NULL").await;
    wait_until("the old clock has fired for a while", PATIENCE, async || ticks().await > 25).await;

    let honest = keep(&sandbox, "d", "#!/bin/sh\nexec CLOCK \"$@\"\n").await;
    ended(&run(&sandbox, &["release", "--build", "dddd", "--bake", "10"]).await, 0);
    assert_eq!(sandbox.status()["releases"]["clock"], honest);

    let before = ticks().await;
    wait_until("the honest clock has fired for a while", PATIENCE, async || ticks().await > before + 25)
        .await;
    keep(&sandbox, "e", HELD_UP).await;
    let mut release = Dev::start(sandbox.sides(&["release", "--build", "eeee", "--bake", "100"]));
    until_stage(&sandbox, "watch", "begun").await;
    fs::write(sandbox.file("late"), "").unwrap();
    assert_eq!(release.ended().await.code(), Some(6), "{}", release.said());
    let query = "SELECT receipt::json ->> 'reason' AS word FROM sides.releases ORDER BY id DESC LIMIT 1";
    let reason = rows::word(database.url(), query).await.unwrap();
    assert!(
        reason.starts_with("the new clock fired ") && reason.contains(" s late, half of all"),
        "{reason}"
    );
    assert_eq!(sandbox.status()["releases"]["clock"], honest);
    // Of the moments that came while it stood still only the last counts, and that fired.
    let query = "SELECT receipt::json ->> 'ticks' AS word FROM sides.releases ORDER BY id DESC LIMIT 1";
    let ticks: Value = serde_json::from_str(&rows::word(database.url(), query).await.unwrap()).unwrap();
    let number = |what: &str| ticks[what].as_u64().unwrap();
    assert!(number("skipped") > 0 && number("missed") == 0, "{ticks}");
    assert_eq!(number("fired") + number("skipped"), number("due"), "{ticks}");
}
