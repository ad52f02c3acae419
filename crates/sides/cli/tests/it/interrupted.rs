//! The command that releases is killed at every step: the next one says how far it came, and finishes it or undoes it.

use nix::sys::signal::Signal;
use testing::{TestDatabase, wait_until};

use crate::{
    host::Dev,
    release_faults::{steps, until_stage},
    releasing::{ended, released, run, shown},
    sandbox::{PATIENCE, Sandbox, signal},
    toy,
};

/// A program of which new instances wait at their start while a file says so: a step that takes no time is not seen.
fn held_up() -> String {
    toy::program("one").replace(
        "unsafe { signal(",
        "while is_asked(concat!(\"hold-\", env!(\"CARGO_PKG_NAME\"))) { sleep(Duration::from_millis(5)); } unsafe { signal(",
    )
}

/// Releases, kills the command when that step has come so far, and returns what it had written down.
async fn killed_at(sandbox: &Sandbox, step: &str, stage: &str) -> Vec<(String, String)> {
    let held = step.strip_prefix("replace ").filter(|_| stage == "begun");
    let instances = |name: &str| {
        let status = sandbox.status();
        status["processes"].as_array().unwrap().iter().filter(|one| one["name"] == name).count()
    };
    if let Some(process) = held {
        toy::ask(sandbox, &format!("hold-{process}"), "one");
    }
    let mut release = Dev::start(sandbox.sides(&["release", "--bake", "120"]));
    until_stage(sandbox, step, stage).await;
    if let Some(process) = held {
        wait_until("the host replaces it", PATIENCE, async || instances(process) == 2).await;
    }
    signal(release.pid(), Signal::SIGKILL);
    release.ended().await;
    if let Some(process) = held {
        toy::ask_no_more(sandbox, &format!("hold-{process}"), "one");
    }
    // The host finishes what it was told, whoever told it.
    wait_until("each has one instance", PATIENCE, async || {
        ["web", "worker"].iter().all(|process| instances(process) == 1)
    })
    .await;
    steps(sandbox)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_is_killed_at_any_step_is_told_of_and_finished_or_undone() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    for process in ["web", "worker"] {
        toy::write_program(&sandbox, process, &held_up());
    }
    let mut good = "first".to_owned();
    let moments = [
        ("replace worker", "begun", false),
        ("replace worker", "done", true),
        ("replace web", "begun", true),
        ("replace web", "done", false),
        ("watch", "begun", false),
    ];
    for (number, (step, stage, finish)) in moments.into_iter().enumerate() {
        let next = format!("number {number}");
        toy::write_shared(&sandbox, &next);
        let before = sandbox.status()["releases"].clone();
        let written = killed_at(&sandbox, step, stage).await;

        let dry = run(&sandbox, &["release", "--dry-run"]).await;
        let now = sandbox.status()["releases"].clone();
        let is_all_new = ["web", "worker"].iter().all(|process| now[process] != before[process]);
        let dry = ended(&dry, if is_all_new { 5 } else { 0 });
        assert!(dry.contains("the last release was interrupted"), "{step} {stage}: {dry}");
        for (what, stage) in &written {
            let words = if stage == "waits" { "not begun" } else { stage.as_str() };
            assert!(dry.contains(&format!("{words}  {what}")), "no {words} {what} in {dry}");
        }
        for process in ["worker", "web"] {
            let done = |(what, stage): &(String, String)| {
                what.starts_with(&format!("replace {process}")) && stage == "done"
            };
            let is_new = now[process] != before[process];
            assert!(
                !written.iter().any(done) || is_new,
                "{process} is not what was written down: {written:?}"
            );
            let says = format!("{process} runs the {} release", if is_new { "new" } else { "old" });
            assert!(dry.contains(&says), "no {says:?} in {dry}");
        }

        if finish {
            let said = ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
            assert!(said.contains("Released"), "{said}");
            good = next;
        } else {
            ended(&run(&sandbox, &["rollback", "--bake", "0"]).await, if now == before { 5 } else { 0 });
            assert_eq!(sandbox.status()["releases"], before);
        }
        assert_eq!(shown(&sandbox).await, format!("one of {good}"));
        assert_eq!(steps(&sandbox), []);
    }
    let back = ended(&run(&sandbox, &["rollback", "--bake", "0"]).await, 0);
    assert!(back.contains("again to undo this"), "{back}");
    assert_eq!(shown(&sandbox).await, "one of number 1", "the set before the last one that was finished");
}
