//! Two of them at once.

use testing::TestDatabase;

use crate::sandbox::{Sandbox, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_dev_attaches_and_leaves_the_first_one_alone() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["clock"]).on(&database);
    let mut first = sandbox.dev();
    first.ready().await;
    let clock = sandbox.pid_of("clock").unwrap();

    let mut second = sandbox.dev();
    second.says(&format!("dev is already running here (pid {})", first.pid())).await;
    second.says("● clock").await;
    second.interrupt();
    assert_eq!(second.ended().await.code(), Some(0));
    assert_eq!(sandbox.pid_of("clock"), Some(clock));

    let mut third = sandbox.dev();
    third.says("Ctrl-C leaves it running").await;
    let stopped = sandbox.run(&["stop"]);
    assert_eq!(stopped.status.code(), Some(0), "{}", text(&stopped.stderr));
    assert_eq!(text(&stopped.stdout), format!("stopped (pid {})\n", first.pid()));
    assert_eq!(third.ended().await.code(), Some(0));
    assert!(third.said().contains("has ended"), "{}", third.said());
    assert_eq!(first.ended().await.code(), Some(0));
    assert_eq!(sandbox.residents(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_five_at_once_one_runs_and_four_attach() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["clock"]).on(&database);
    let mut all: Vec<_> = (0..5).map(|_| sandbox.dev()).collect();
    sandbox.wait_until_green().await;
    let runner = i32::try_from(sandbox.status()["pid"].as_i64().unwrap()).unwrap();
    for dev in all.iter_mut().filter(|dev| dev.pid() != runner) {
        dev.says(&format!("dev is already running here (pid {runner})")).await;
    }
    assert_eq!(all.iter().filter(|dev| dev.pid() == runner).count(), 1);
    assert!(sandbox.run(&["stop"]).status.success());
    for dev in &mut all {
        assert_eq!(dev.ended().await.code(), Some(0));
    }
    assert_eq!(sandbox.residents(), []);
}

#[test]
fn without_a_dev_there_is_nothing_to_ask_or_stop() {
    let sandbox = Sandbox::with(&["clock"]);
    for command in ["status", "stop"] {
        let output = sandbox.run(&[command]);
        assert_eq!(output.status.code(), Some(3), "{command}");
        assert!(
            text(&output.stdout).contains("nothing is running in"),
            "{command}: {}",
            text(&output.stdout)
        );
    }
    assert_eq!(sandbox.status()["phase"], "not_running");
    assert!(!sandbox.file(".sides").exists(), "asking leaves no trace");
}
