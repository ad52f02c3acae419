//! One instance is replaced by another.

use std::{sync::Arc, time::Duration};

use sides_platform::local::{Launch, Ports, State, Watch};

use crate::{
    bench::{
        DEADLINE, LOOPBACK, answerer, launch, runs, started, supervisor, wait_until_gone, wait_until_ready,
    },
    listener::ask,
};

fn pids(watch: &Watch) -> Vec<(String, Option<u32>)> {
    watch.statuses.borrow().iter().map(|status| (status.name.clone(), status.pid)).collect()
}

#[tokio::test]
async fn the_old_copy_answers_until_the_new_one_does() {
    let (mut supervisor, mut watch) = supervisor(DEADLINE);
    let listener = Arc::new(Ports::default().listen(LOOPBACK, 0).unwrap());
    let address = listener.local_addr().unwrap();
    let web = Launch { listener: Some(listener), page: Some(address), ..answerer("web", "public") };
    supervisor.keep(web.clone());
    let first = started(&mut watch, "web").await;
    wait_until_ready(&mut watch, "web").await;
    supervisor.keep(answerer("worker", ""));
    let other = started(&mut watch, "worker").await;

    supervisor.roll(web, DEADLINE).await.unwrap();
    let second = started(&mut watch, "web").await;
    assert_ne!(second, first);
    wait_until_gone(first).await;
    assert_eq!(tokio::task::spawn_blocking(move || ask(address)).await.unwrap(), second);
    let gone = watch.statuses.wait_for(|statuses| statuses.len() == 2);
    tokio::time::timeout(DEADLINE, gone).await.expect("the old instance leaves the list").unwrap();
    let expected = [("web".to_owned(), Some(second)), ("worker".to_owned(), Some(other))];
    assert_eq!(pids(&watch), expected, "the other process was not touched");
    supervisor.drain().await;
    assert!(watch.statuses.borrow().iter().all(|status| status.state == State::Stopped));
}

#[tokio::test]
async fn a_new_copy_that_dies_changes_nothing() {
    let (mut supervisor, mut watch) = supervisor(DEADLINE);
    supervisor.keep(answerer("web", ""));
    let first = started(&mut watch, "web").await;
    wait_until_ready(&mut watch, "web").await;
    let error = supervisor.roll(launch("web", "sh -c 'exit 3'"), DEADLINE).await.unwrap_err();
    assert_eq!(error.reason, "failed (exit code 3)");
    let alone = watch.statuses.wait_for(|statuses| statuses.len() == 1);
    tokio::time::timeout(DEADLINE, alone).await.expect("the new instance leaves the list").unwrap();
    assert_eq!(pids(&watch), [("web".to_owned(), Some(first))]);
    assert!(runs(first));
    supervisor.drain().await;
}

#[tokio::test]
async fn a_new_copy_that_never_answers_is_given_up() {
    let (mut supervisor, mut watch) = supervisor(DEADLINE);
    supervisor.keep(answerer("web", ""));
    let first = started(&mut watch, "web").await;
    wait_until_ready(&mut watch, "web").await;
    let error = supervisor.roll(launch("web", "sleep 600"), Duration::from_millis(500)).await.unwrap_err();
    assert!(error.to_string().contains("the old one stays"), "{error}");
    let second = started(&mut watch, "web").await;
    wait_until_gone(second).await;
    assert!(runs(first));
    supervisor.drain().await;
}

#[tokio::test]
async fn a_replacement_that_nobody_waits_for_any_more_is_given_up() {
    let (mut supervisor, mut watch) = supervisor(DEADLINE);
    supervisor.keep(answerer("web", ""));
    let first = started(&mut watch, "web").await;
    wait_until_ready(&mut watch, "web").await;
    let second = tokio::select! {
        rolled = supervisor.roll(launch("web", "sleep 600"), DEADLINE) => panic!("{rolled:?}"),
        second = started(&mut watch, "web") => second,
    };
    wait_until_gone(second).await;
    assert!(runs(first));
    supervisor.drain().await;
}
