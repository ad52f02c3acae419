use std::time::{Duration, Instant};

use sides_platform::local::{Happening, State};

use crate::bench::{DEADLINE, launch, next_line, runs, started, supervisor, wait_for};

#[tokio::test]
async fn a_process_that_ends_when_asked_is_not_killed() {
    let (mut supervisor, mut watch) = supervisor(DEADLINE);
    supervisor.keep(launch(
        "web",
        "sh -c 'exec 2>/dev/null; trap \"echo bye; exit 0\" TERM; echo up; while :; do sleep 0.05; done'",
    ));
    assert_eq!(next_line(&mut watch).await.text, "up");
    let began = Instant::now();
    supervisor.drain().await;
    assert!(began.elapsed() < DEADLINE);
    assert_eq!(next_line(&mut watch).await.text, "bye");
    assert_eq!(watch.statuses.borrow()[0].state, State::Stopped);
    let mut happened = Vec::new();
    while let Some(event) = watch.events.recv().await {
        happened.push(event.happening);
    }
    assert!(happened.ends_with(&[Happening::Draining, Happening::Stopped]), "{happened:?}");
}

#[tokio::test]
async fn a_process_that_does_not_listen_is_killed_at_the_limit() {
    let (mut supervisor, mut watch) = supervisor(Duration::from_millis(300));
    supervisor.keep(launch("web", "sh -c 'trap \"\" TERM; echo up; while :; do sleep 0.05; done'"));
    let pid = started(&mut watch, "web").await;
    next_line(&mut watch).await;
    supervisor.drain().await;
    assert!(!runs(pid));
    wait_for(&mut watch, |event| matches!(event.happening, Happening::Killed { .. }).then_some(())).await;
}

#[tokio::test]
async fn the_kill_token_ends_a_long_drain() {
    let (mut supervisor, mut watch) = supervisor(Duration::from_secs(3600));
    supervisor.keep(launch("web", "sh -c 'trap \"\" TERM; echo up; while :; do sleep 0.05; done'"));
    let pid = started(&mut watch, "web").await;
    next_line(&mut watch).await;
    let kill = supervisor.kill_token();
    let drained = tokio::spawn(supervisor.drain());
    wait_for(&mut watch, |event| (event.happening == Happening::Draining).then_some(())).await;
    kill.cancel();
    tokio::time::timeout(DEADLINE, drained).await.unwrap().unwrap();
    assert!(!runs(pid));
}
