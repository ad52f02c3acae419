//! A supervisor that goes away, and the one that comes after it.

use std::{path::Path, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sides_platform::local::{Happening, Launch, Lifetime, Orphan, State, Supervisor, Watch, logs, orphans};

use crate::bench::{
    DEADLINE, answerer, launch, runs, started, supervisor_with, wait_for, wait_until_gone, wait_until_ready,
};

fn lifetime(folder: &Path) -> Lifetime {
    let logs = folder.join("logs");
    std::fs::create_dir_all(&logs).unwrap();
    Lifetime::Outliving { run_folder: folder.join("run"), logs }
}

fn supervisor_of(folder: &Path) -> (Supervisor, Watch) {
    supervisor_with(DEADLINE, lifetime(folder))
}

fn alive(folder: &Path) -> Vec<Orphan> {
    orphans(&folder.join("run"))
}

fn texts(folder: &Path, process: &str) -> Vec<String> {
    let lines = logs::last(&folder.join("logs"), process, 100).unwrap();
    lines.into_iter().map(|line| format!("{} {}", line.instance, line.text)).collect()
}

async fn until_logged(folder: &Path, process: &str, text: &str) {
    let logged = tokio::time::timeout(DEADLINE, async {
        while !texts(folder, process).iter().any(|line| line == text) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(logged.await.is_ok(), "{text:?} is not in {:?}", texts(folder, process));
}

#[tokio::test]
async fn children_outlive_their_supervisor_and_the_next_one_goes_on_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, mut watch) = supervisor_of(folder.path());
    let web = Launch { release: Some("a".to_owned()), ..answerer("web", "") };
    let talks = "sh -c 'n=0; while :; do n=$((n+1)); echo line $n; sleep 0.02; done'";
    first.keep(web.clone());
    let pid = started(&mut watch, "web").await;
    wait_until_ready(&mut watch, "web").await;
    first.keep(launch("talker", talks));
    let talker = started(&mut watch, "talker").await;
    until_logged(folder.path(), "talker", "talker.2 line 3").await;
    drop((first, watch));
    assert!(runs(pid) && runs(talker));

    let (mut second, mut watch) = supervisor_of(folder.path());
    for orphan in alive(folder.path()) {
        let launch = if orphan.process == "web" { web.clone() } else { launch("talker", talks) };
        second.adopt(launch, orphan, true);
    }
    wait_until_ready(&mut watch, "web").await;
    let statuses = watch.statuses.borrow().clone();
    let known: Vec<_> = statuses.iter().map(|one| (one.id(), one.pid, one.release.clone())).collect();
    let web_now = ("web.1".to_owned(), Some(pid), Some("a".to_owned()));
    assert_eq!(known, [web_now, ("talker.2".to_owned(), Some(talker), None)]);

    // It printed on while nobody read, and every line is there, in order, none skipped.
    until_logged(folder.path(), "talker", "talker.2 line 40").await;
    let mut numbers: Vec<u32> = texts(folder.path(), "talker")
        .iter()
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    numbers.dedup();
    assert!(numbers.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{numbers:?}");

    // An adopted instance that dies is started again like any other.
    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).unwrap();
    wait_for(&mut watch, |event| match event.happening {
        Happening::Died(..) if event.process == "web" => Some(()),
        _ => None,
    })
    .await;
    let again = started(&mut watch, "web").await;
    assert_ne!(again, pid);
    wait_until_ready(&mut watch, "web").await;
    second.roll(Launch { release: Some("b".to_owned()), ..web }, DEADLINE).await.unwrap();
    wait_until_gone(again).await;
    let releases: Vec<_> = alive(folder.path()).into_iter().filter_map(|one| one.release).collect();
    assert_eq!(releases, ["b"]);
    second.drain().await;
    wait_until_gone(talker).await;
    assert_eq!(alive(folder.path()), []);
    assert_eq!(std::fs::read_dir(folder.path().join("run/instances")).unwrap().count(), 0);
}

#[tokio::test]
async fn what_a_host_of_a_former_version_left_is_taken_over_with_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, mut watch) = supervisor_of(folder.path());
    // As a former version had it: another variable, and another folder.
    let talks = "env -u SIDES_INSTANCE sh -c 'n=0; while :; do n=$((n+1)); echo line $n; sleep 0.02; done'";
    first.keep(launch("talker", talks));
    let talker = started(&mut watch, "talker").await;
    until_logged(folder.path(), "talker", "talker.1 line 3").await;
    drop((first, watch));
    let (now, former) = (folder.path().join("run/instances"), folder.path().join("run/copies"));
    std::fs::rename(&now, &former).unwrap();
    let left = alive(folder.path());
    assert_eq!(left.iter().map(Orphan::pid).collect::<Vec<_>>(), [talker]);

    let (mut second, _watch) = supervisor_of(folder.path());
    assert!(now.is_dir() && !former.exists());
    second.adopt(launch("talker", talks), alive(folder.path()).remove(0), true);
    until_logged(folder.path(), "talker", "talker.1 line 40").await;
    second.drain().await;
    wait_until_gone(talker).await;
    assert_eq!(std::fs::read_dir(now).unwrap().count(), 0);
}

#[tokio::test]
async fn one_that_was_asked_to_leave_is_not_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, mut watch) = supervisor_of(folder.path());
    // Says how often it was asked, and leaves in its own time.
    let asked = "sh -c 'trap \"echo asked\" TERM; echo here; while test ! -e go; do sleep 0.02; done'";
    first.keep(Launch { folder: folder.path().to_owned(), ..launch("worker", asked) });
    let pid = started(&mut watch, "worker").await;
    until_logged(folder.path(), "worker", "worker.1 here").await;
    first.scale(launch("worker", asked), 0, DEADLINE).await.unwrap();
    until_logged(folder.path(), "worker", "worker.1 asked").await;
    drop((first, watch));

    let (mut second, mut watch) = supervisor_of(folder.path());
    let orphan = alive(folder.path()).remove(0);
    assert!(orphan.leaves && runs(pid));
    second.adopt(launch("worker", asked), orphan, false);
    wait_for(&mut watch, |event| (event.happening == Happening::Draining).then_some(())).await;
    std::fs::write(folder.path().join("go"), "").unwrap();
    wait_until_gone(pid).await;
    let gone = watch.statuses.wait_for(Vec::is_empty);
    tokio::time::timeout(DEADLINE, gone).await.expect("it leaves the list").unwrap();
    let asked = texts(folder.path(), "worker").iter().filter(|line| *line == "worker.1 asked").count();
    assert_eq!(asked, 1);
    second.drain().await;
}

#[tokio::test]
async fn the_last_words_of_one_that_died_unseen_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, mut watch) = supervisor_of(folder.path());
    let quiet = "sh -c 'while test ! -e go; do sleep 0.02; done; echo last words'";
    first.keep(Launch { folder: folder.path().to_owned(), ..launch("worker", quiet) });
    let pid = started(&mut watch, "worker").await;
    drop((first, watch));
    std::fs::write(folder.path().join("go"), "").unwrap();
    wait_until_gone(pid).await;
    let (mut second, mut watch) = supervisor_of(folder.path());
    until_logged(folder.path(), "worker", "worker.1 last words").await;
    second.keep(answerer("worker", ""));
    wait_until_ready(&mut watch, "worker").await;
    assert_eq!(watch.statuses.borrow()[0].id(), "worker.2", "no number is given twice");
    assert_eq!(watch.statuses.borrow()[0].state, State::Ready);
    second.drain().await;
}
