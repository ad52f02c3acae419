//! Several instances of one process.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use sides_platform::local::{Launch, Ports, State, Supervisor, Watch};

use crate::{
    bench::{DEADLINE, LOOPBACK, answerer, launch, runs, supervisor, wait_until_gone},
    listener::ask,
};

/// The instances that run and are ready, oldest first.
fn ready(watch: &Watch) -> Vec<u32> {
    let statuses = watch.statuses.borrow();
    let ready = statuses.iter().filter(|status| status.state == State::Ready);
    ready.map(|status| status.pid.unwrap()).collect()
}

async fn until_listed(watch: &mut Watch, count: usize) {
    let listed = watch.statuses.wait_for(|statuses| statuses.len() == count);
    tokio::time::timeout(DEADLINE, listed).await.expect("the others leave the list").unwrap();
}

/// Three instances that are ready.
async fn three(supervisor: &mut Supervisor, watch: &mut Watch, launch: &Launch) -> Vec<u32> {
    supervisor.scale(launch.clone(), 3, DEADLINE).await.unwrap();
    let pids = ready(watch);
    assert_eq!((pids.len(), supervisor.count(&launch.procfile.name)), (3, 3));
    pids
}

#[tokio::test]
async fn instances_come_ready_and_the_busy_one_is_the_last_to_leave() {
    let (mut supervisor, mut watch) = supervisor(DEADLINE);
    let folder = tempfile::tempdir().unwrap();
    let busy_file = folder.path().join("busy").into();
    let mut worker = Launch { release: Some("a".to_owned()), ..answerer("worker", "") };
    worker.environment.push(("BUSY_FILE".to_owned(), busy_file));
    // The first one is the busy one, and it would also be the first to go by its age alone.
    supervisor.scale(worker.clone(), 1, DEADLINE).await.unwrap();
    let busy = ready(&watch)[0];
    let pids = three(&mut supervisor, &mut watch, &worker).await;
    assert_eq!(pids[0], busy);
    assert!(supervisor.all_run(&worker, 3) && !supervisor.all_run(&worker, 2));
    supervisor.scale(worker.clone(), 1, DEADLINE).await.unwrap();
    for idle in &pids[1..] {
        wait_until_gone(*idle).await;
    }
    assert!(runs(busy), "a busy one leaves only when no idle one is left");
    until_listed(&mut watch, 1).await;
    supervisor.scale(worker, 0, DEADLINE).await.unwrap();
    wait_until_gone(busy).await;
    supervisor.drain().await;
}

#[tokio::test]
async fn instances_are_replaced_one_by_one_on_the_same_listener() {
    let (mut supervisor, mut watch) = supervisor(DEADLINE);
    let listener = Arc::new(Ports::default().listen(LOOPBACK, 0).unwrap());
    let address = listener.local_addr().unwrap();
    let web = Launch { listener: Some(listener), page: Some(address), ..answerer("web", "public") };
    let old = three(&mut supervisor, &mut watch, &web).await;
    // Of the three that count none may be missing at any moment.
    let fewest = Arc::new(AtomicUsize::new(3));
    let (mut statuses, seen) = (watch.statuses.clone(), Arc::clone(&fewest));
    let watching = tokio::spawn(async move {
        while statuses.changed().await.is_ok() {
            let ready = statuses.borrow().iter().filter(|status| status.state == State::Ready).count();
            seen.fetch_min(ready, Ordering::Relaxed);
        }
    });
    supervisor.roll(Launch { release: Some("b".to_owned()), ..web.clone() }, DEADLINE).await.unwrap();
    watching.abort();
    assert_eq!(fewest.load(Ordering::Relaxed), 3);
    for pid in &old {
        wait_until_gone(*pid).await;
    }
    until_listed(&mut watch, 3).await;
    let new: BTreeSet<u32> = ready(&watch).into_iter().collect();
    assert_eq!((new.len(), new.intersection(&old.iter().copied().collect()).count()), (3, 0));
    assert!(new.contains(&tokio::task::spawn_blocking(move || ask(address)).await.unwrap()));

    let [first, second, third] = ready(&watch)[..] else { panic!("three") };
    let instance = watch.statuses.borrow().iter().find(|status| status.pid == Some(second)).unwrap().id();
    let instance = supervisor.find("web", &instance).unwrap();
    supervisor.restart("web", Some(instance), DEADLINE).await.unwrap();
    wait_until_gone(second).await;
    assert!(runs(first) && runs(third), "only the one that was named");
    supervisor.drain().await;
}

#[tokio::test]
async fn a_release_that_fails_at_its_second_copy_is_put_back() {
    let (mut supervisor, mut watch) = supervisor(DEADLINE);
    let folder = tempfile::tempdir().unwrap();
    let good = Launch { release: Some("a".to_owned()), ..answerer("web", "") };
    three(&mut supervisor, &mut watch, &good).await;
    // The first instance of this release runs, and every further one dies.
    let answerer = &good.procfile.program;
    let once = folder.path().join("once");
    let script = format!("sh -c 'mkdir {} && exec {answerer}'", once.display());
    let bad = Launch { release: Some("b".to_owned()), ..launch("web", &script) };
    let error = supervisor.roll(bad, DEADLINE).await.unwrap_err();
    assert_eq!(error.reason, "failed (exit code 1)");
    until_listed(&mut watch, 3).await;
    assert!(supervisor.all_run(&good, 3), "{:?}", watch.statuses.borrow());
    let error = supervisor.scale(launch("web", "sh -c 'exit 3'"), 5, DEADLINE).await.unwrap_err();
    assert_eq!(error.reason, "failed (exit code 3)");
    until_listed(&mut watch, 3).await;
    assert!(supervisor.all_run(&good, 3));
    supervisor.drain().await;
}
