//! A cluster bound to its process.

use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use sides_postgres::{Cluster, Opened, Settings};

use crate::holder::{Holder, ask, lives, project, quick, server_pid, tell, wait_until};

async fn started(folder: &std::path::Path) -> Cluster {
    match Cluster::open(folder, quick()).await.unwrap() {
        Opened::Started(cluster) => cluster,
        Opened::Running { pid, .. } => panic!("somebody runs it: {pid}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_on_a_private_socket_alone_and_never_as_root() {
    let project = project();
    let folder = project.path().join("postgres");
    let Opened::Started(cluster) = Cluster::open(&folder, Settings::default()).await.unwrap() else {
        panic!("it runs already");
    };
    assert_eq!(
        ask(cluster.url(), "SELECT current_user || '@' || current_database()").await.unwrap(),
        "postgres@sides"
    );
    assert_eq!(ask(cluster.url(), "SHOW listen_addresses").await.unwrap(), "");
    assert_eq!(ask(cluster.url(), "SHOW fsync").await.unwrap(), "on");

    let pid = server_pid(&folder).unwrap();
    let user = std::fs::metadata(format!("/proc/{pid}")).unwrap().uid();
    assert_ne!(user, 0);
    let socket = std::fs::metadata(folder.join("socket")).unwrap();
    assert_eq!((socket.uid(), socket.mode() & 0o777), (user, 0o700));
    assert!(folder.join("socket/.s.PGSQL.5432").metadata().unwrap().file_type().is_socket());

    cluster.stop().await;
    assert!(!lives(pid));
}

#[tokio::test(flavor = "multi_thread")]
async fn data_stays_between_two_starts() {
    let project = project();
    let first = started(project.path()).await;
    tell(first.url(), "CREATE TABLE kept AS SELECT 'yes' AS answer").await;
    first.stop().await;
    let second = started(project.path()).await;
    assert_eq!(ask(second.url(), "SELECT answer FROM kept").await.unwrap(), "yes");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_opener_is_told_that_it_runs() {
    let project = project();
    let holder = Holder::start("own", project.path());
    let Opened::Running { pid, url } = Cluster::open(project.path(), quick()).await.unwrap() else {
        panic!("two servers on one folder");
    };
    assert_eq!(Some(pid), server_pid(project.path()));
    assert_eq!(url, holder.url);
    assert_eq!(ask(&url, "SELECT 'here'").await.unwrap(), "here");
    holder.go();
    assert!(!lives(pid));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_at_once_start_one_server() {
    let project = project();
    let openers: Vec<_> = (0..10)
        .map(|_| {
            let folder = project.path().to_owned();
            tokio::spawn(async move { Cluster::open(folder, quick()).await.unwrap() })
        })
        .collect();
    let mut all = Vec::new();
    for opener in openers {
        all.push(opener.await.unwrap());
    }
    let owners = all.iter().filter(|opened| matches!(opened, Opened::Started(_))).count();
    assert_eq!(owners, 1);
    for opened in &all {
        assert_eq!(ask(opened.url(), "SELECT 'one'").await.unwrap(), "one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_dies_with_a_killed_owner_and_starts_again() {
    let project = project();
    let holder = Holder::start("own", project.path());
    tell(&holder.url, "CREATE TABLE kept AS SELECT 'yes' AS answer").await;
    let pid = server_pid(project.path()).unwrap();
    holder.kill();
    // At once, while the old server may still be on its way out.
    let again = started(project.path()).await;
    assert!(!lives(pid), "two servers");
    assert_eq!(ask(again.url(), "SELECT answer FROM kept").await.unwrap(), "yes");
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_server_outlives_a_killed_owner() {
    let project = project();
    let holder = Holder::start("own", project.path());
    let pid = server_pid(project.path()).unwrap();
    assert!(lives(pid));
    holder.kill();
    wait_until("the server is gone", || !lives(pid));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_hears_of_its_end() {
    let project = project();
    let cluster = started(project.path()).await;
    let pid = server_pid(project.path()).unwrap();
    let status = std::process::Command::new("sh").args(["-c", &format!("kill -9 {pid}")]).status().unwrap();
    assert!(status.success());
    let ended = tokio::time::timeout(std::time::Duration::from_secs(20), cluster.ended()).await.unwrap();
    assert!(!ended.unwrap().success());
}
