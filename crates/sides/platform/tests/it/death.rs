use std::time::{Duration, Instant};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sides_platform::local::{Exit, Happening, State};

use crate::bench::{
    answerer, launch, next_line, started, supervisor, wait_for, wait_until_gone, wait_until_ready,
};

#[tokio::test]
async fn a_killed_process_comes_back_and_the_other_never_notices() {
    let (mut supervisor, mut watch) = supervisor(Duration::from_secs(5));
    supervisor.keep(answerer("web", ""));
    let first = started(&mut watch, "web").await;
    wait_until_ready(&mut watch, "web").await;
    supervisor.keep(answerer("worker", ""));
    let other = started(&mut watch, "worker").await;
    wait_until_ready(&mut watch, "worker").await;
    let address = watch.statuses.borrow()[0].ops_address;

    kill(Pid::from_raw(first.try_into().unwrap()), Signal::SIGKILL).unwrap();
    let (exit, restart) = wait_for(&mut watch, |event| match event.happening {
        Happening::Died(exit, restart) if event.process == "web" => Some((exit, restart)),
        _ => None,
    })
    .await;
    assert_eq!((exit, restart.deaths), (Exit::Signal(9), 1));
    wait_until_ready(&mut watch, "web").await;

    let statuses = watch.statuses.borrow().clone();
    assert_eq!(statuses.iter().map(|status| status.state).collect::<Vec<_>>(), [State::Ready; 2]);
    assert_ne!(statuses[0].pid, Some(first));
    assert_eq!((statuses[0].restarts, statuses[0].ops_address), (1, address));
    assert_eq!((statuses[1].restarts, statuses[1].pid), (0, Some(other)));
    supervisor.drain().await;
}

#[tokio::test]
async fn a_crash_loop_slows_down_and_says_how_the_process_ends() {
    let (mut supervisor, mut watch) = supervisor(Duration::from_secs(5));
    supervisor.keep(launch("web", "sh -c 'echo no luck >&2; exit 3'"));
    let began = Instant::now();
    let mut pauses = Vec::new();
    for _ in 0..3 {
        let restart = wait_for(&mut watch, |event| match event.happening {
            Happening::Died(Exit::Code(3), restart) => Some(restart),
            _ => None,
        });
        let restart = restart.await;
        pauses.push(restart.pause);
        assert_eq!(restart.is_crash_loop(), pauses.len() == 3);
    }
    assert!(began.elapsed() >= pauses[0] + pauses[1], "{pauses:?} in {:?}", began.elapsed());
    assert_eq!(pauses[2], pauses[0] * 4);
    assert_eq!(next_line(&mut watch).await.text, "no luck");
    assert_eq!(watch.statuses.borrow()[0].reason.as_deref(), Some("failed (exit code 3)"));
    supervisor.drain().await;
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named_with_its_procfile() {
    let (mut supervisor, mut watch) = supervisor(Duration::from_secs(5));
    supervisor.keep(launch("web", "no-such-program"));
    let reason = wait_for(&mut watch, |event| match &event.happening {
        Happening::NotStarted(reason, _) => Some(reason.clone()),
        _ => None,
    })
    .await;
    assert_eq!(reason, "Procfile.web:1: there is no program \"no-such-program\" to execute");
    supervisor.drain().await;
}

#[tokio::test]
async fn what_a_dead_process_had_started_goes_with_it() {
    let (mut supervisor, mut watch) = supervisor(Duration::from_secs(5));
    supervisor.keep(launch("web", "sh -c 'sleep 600 & echo $!; kill -9 $$'"));
    let grandchild = next_line(&mut watch).await.text.parse().unwrap();
    wait_until_gone(grandchild).await;
    supervisor.drain().await;
}

#[tokio::test]
async fn dropping_a_supervisor_kills_its_children() {
    let (mut supervisor, mut watch) = supervisor(Duration::from_secs(5));
    supervisor.keep(launch("web", "sh -c 'trap \"\" TERM INT HUP; while :; do sleep 0.1; done'"));
    let pid = started(&mut watch, "web").await;
    drop(supervisor);
    wait_until_gone(pid).await;
}
