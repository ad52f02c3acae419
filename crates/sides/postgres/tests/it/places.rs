//! Folders that cannot be used as they are.

use std::{fs, os::unix::fs::PermissionsExt as _};

use sides_postgres::{Cluster, Opened};

use crate::holder::{ask, project, quick};

#[tokio::test(flavor = "multi_thread")]
async fn a_long_path_moves_the_socket() {
    let project = project();
    let folder = project.path().join("a-folder-with-a-name".repeat(6));
    let Opened::Started(cluster) = Cluster::open(&folder, quick()).await.unwrap() else {
        panic!("it runs already");
    };
    assert_eq!(ask(cluster.url(), "SELECT 'short'").await.unwrap(), "short");
    assert!(folder.join("data/PG_VERSION").exists());
    assert!(cluster.url().contains("%2Ftmp%2Fsides-"), "{}", cluster.url());
    let socket = ask(cluster.url(), "SHOW unix_socket_directories").await.unwrap();
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o700);
    cluster.stop().await;
    fs::remove_dir_all(socket).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_closed_to_the_servers_user_is_replaced_and_said() {
    let project = project();
    let folder = project.path().join("closed/postgres");
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(project.path().join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    let Opened::Started(cluster) = Cluster::open(&folder, quick()).await.unwrap() else {
        panic!("it runs already");
    };
    assert_eq!(ask(cluster.url(), "SELECT 'found'").await.unwrap(), "found");
    let data = ask(cluster.url(), "SHOW data_directory").await.unwrap();
    if nix::unistd::geteuid().is_root() {
        let home = data.strip_suffix("/data").unwrap().to_owned();
        assert!(home.starts_with("/var/lib/sides/"), "{home}");
        assert!(cluster.note().unwrap().contains(&home), "{:?}", cluster.note());
        cluster.stop().await;
        fs::remove_dir_all(home).unwrap();
    } else {
        assert_eq!(data, folder.join("data").to_string_lossy());
        assert_eq!(cluster.note(), None);
        cluster.stop().await;
    }
}
