//! Instances that take too much memory.

use sides_platform::local::{Exit, Happening, Launch};

use crate::bench::{DEADLINE, answerer, started, supervisor, wait_for, wait_until_gone, wait_until_ready};

fn heavy(megabytes: u64) -> Launch {
    let mut launch = Launch { memory_limit: Some(60 << 20), ..answerer("worker", "") };
    launch.environment.push(("BALLAST_MB".to_owned(), megabytes.to_string().into()));
    launch
}

#[tokio::test]
async fn above_its_limit_a_copy_is_to_be_followed_by_a_fresh_one() {
    let (mut supervisor, mut watch) = supervisor(DEADLINE);
    supervisor.keep(heavy(80));
    let pid = started(&mut watch, "worker").await;
    wait_until_ready(&mut watch, "worker").await;
    let told = tokio::time::timeout(DEADLINE, watch.heavy.recv()).await.expect("it is told").unwrap();
    assert_eq!((told.process.as_str(), told.limit), ("worker", 60 << 20));
    assert!(told.bytes > 80 << 20 && watch.statuses.borrow()[0].memory.is_some());
    supervisor.restart("worker", Some(told.instance), DEADLINE).await.unwrap();
    wait_until_gone(pid).await;
    supervisor.drain().await;
}

#[tokio::test]
async fn well_above_its_limit_a_copy_is_killed() {
    let (mut supervisor, mut watch) = supervisor(DEADLINE);
    supervisor.keep(heavy(200));
    let exit = wait_for(&mut watch, |event| match event.happening {
        Happening::Died(exit, _) => Some(exit),
        _ => None,
    });
    assert_eq!(exit.await, Exit::Signal(9));
    supervisor.drain().await;
}
