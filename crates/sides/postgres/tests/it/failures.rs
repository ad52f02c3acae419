//! What an earlier crash left, and what cannot work.

use std::{fs, os::unix::process::CommandExt as _, process::Command};

use sides_postgres::{Cluster, ClusterError, Opened, Settings};

use crate::holder::{ask, project, quick};

#[tokio::test(flavor = "multi_thread")]
async fn a_half_made_data_folder_is_made_again() {
    let project = project();
    fs::create_dir_all(project.path().join("data.unfinished/base")).unwrap();
    fs::write(project.path().join("data.unfinished/PG_VERSION"), "15\n").unwrap();
    let opened = Cluster::open(project.path(), quick()).await.unwrap();
    assert_eq!(ask(opened.url(), "SELECT 'whole'").await.unwrap(), "whole");
    assert!(!project.path().join("data.unfinished").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_pid_file_that_names_another_program_is_no_obstacle() {
    let project = project();
    let Opened::Started(cluster) = Cluster::open(project.path(), quick()).await.unwrap() else {
        panic!("it runs already");
    };
    let file = project.path().join("data/postmaster.pid");
    let text = fs::read_to_string(&file).unwrap();
    let owner = fs::metadata(project.path().join("data")).unwrap();
    cluster.stop().await;

    // After a crash of the machine, the pid in the file may be anyone's, here one of the same user.
    let mut other = Command::new("sleep");
    other.arg("60").current_dir("/");
    if nix::unistd::geteuid().is_root() {
        other.uid(std::os::unix::fs::MetadataExt::uid(&owner));
    }
    let mut other = other.spawn().unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    fs::write(&file, format!("{}\n{rest}", other.id())).unwrap();

    let opened = Cluster::open(project.path(), quick()).await;
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(ask(opened.unwrap().url(), "SELECT 'started'").await.unwrap(), "started");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_another_version_is_left_alone() {
    let project = project();
    fs::create_dir(project.path().join("data")).unwrap();
    fs::write(project.path().join("data/PG_VERSION"), "9\n").unwrap();
    let error = Cluster::open(project.path(), quick()).await.unwrap_err();
    assert!(matches!(error, ClusterError::OtherVersion { made_by: 9, .. }), "{error}");
    assert!(error.to_string().contains("install Postgres 9, or move that directory away"), "{error}");
    assert_eq!(fs::read_to_string(project.path().join("data/PG_VERSION")).unwrap(), "9\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_start_says_why() {
    let project = project();
    let settings = Settings { options: vec![("shared_buffers".to_owned(), "many".to_owned())], ..quick() };
    let error = Cluster::open(project.path(), settings).await.unwrap_err().to_string();
    assert!(error.contains("invalid value for parameter \"shared_buffers\": \"many\""), "{error}");
    assert!(error.contains("log"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_cannot_be_made_says_why() {
    let project = project();
    let settings = Settings { user: "pg_reserved".to_owned(), ..quick() };
    let error = Cluster::open(project.path(), settings).await.unwrap_err().to_string();
    assert!(error.contains("superuser name \"pg_reserved\" is disallowed"), "{error}");
    assert!(!project.path().join("data").exists());
}
