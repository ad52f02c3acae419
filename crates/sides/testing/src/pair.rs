//! A primary and the standby that follows it.

use std::{
    fs,
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::Command,
};

use database::DatabaseUrl;
use postgres::{Cluster, Opened, Settings};
use tokio_postgres::{Config, config::Host};

/// One server of the two, in a folder of its own.
pub struct Member {
    folder: PathBuf,
    cluster: Option<Cluster>,
    url: DatabaseUrl,
}

impl Member {
    /// A primary in `folder`, which the server's user must be able to enter.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn primary(folder: PathBuf) -> Self {
        Self::open(folder).await
    }

    /// Another server with this one's data, which follows it.
    ///
    /// # Panics
    /// When the data cannot be copied, or it does not start.
    pub async fn followed_by(&self, folder: PathBuf) -> Self {
        base_backup(&self.folder, &self.url, &folder);
        Self::open(folder).await
    }

    async fn open(folder: PathBuf) -> Self {
        let settings = Settings { durable: false, ..Settings::default() };
        match Cluster::open(&folder, settings).await.expect("the server starts") {
            Opened::Started(cluster) => {
                let url = cluster.url().parse().expect("the cluster's address is one");
                Self { folder, cluster: Some(cluster), url }
            }
            Opened::Running { .. } => panic!("it runs already"),
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Stops it, and starts it again with further lines in its configuration.
    ///
    /// # Panics
    /// When it does not stop or start.
    pub async fn restart_with(&mut self, settings: &str) {
        self.stop().await;
        let file = self.folder.join("data/postgresql.auto.conf");
        let before = fs::read_to_string(&file).unwrap_or_default();
        fs::write(&file, format!("{before}\n{settings}\n")).expect("the server's own file");
        *self = Self::open(self.folder.clone()).await;
    }

    /// Stops it; it is gone.
    pub async fn stop(&mut self) {
        if let Some(cluster) = self.cluster.take() {
            cluster.stop().await;
        }
    }

    /// The database of both, by the one address that names both.
    #[must_use]
    pub fn and(&self, other: &Self) -> DatabaseUrl {
        let host = |url: &DatabaseUrl| {
            let config: Config = url.expose().parse().expect("a checked address");
            match &config.get_hosts()[0] {
                Host::Tcp(name) => name.clone(),
                Host::Unix(folder) => folder.to_string_lossy().into_owned(),
            }
        };
        let text = format!(
            "host={},{} dbname={} user=postgres",
            host(&self.url),
            host(&other.url),
            self.url.database()
        );
        text.parse().expect("it is an address")
    }
}

fn base_backup(primary: &Path, url: &DatabaseUrl, folder: &Path) {
    let config: Config = url.expose().parse().expect("a checked address");
    let Host::Unix(socket) = &config.get_hosts()[0] else { panic!("{url:?} has no socket") };
    // Who owns the one owns the other.
    let owner = fs::metadata(primary.join("data")).expect("the primary has data");
    fs::create_dir(folder).expect("a new folder");
    std::os::unix::fs::chown(folder, Some(owner.uid()), Some(owner.gid())).expect("a folder of its own");
    let program = postgres::program("pg_basebackup").unwrap_or_else(|| "pg_basebackup".into());
    let output = Command::new(program)
        .arg("--dbname")
        .arg(format!("host={} port=5432 user={}", socket.display(), config.get_user().unwrap_or("postgres")))
        .arg("--pgdata")
        .arg(folder.join("data"))
        .args(["--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf", "--no-sync"])
        .current_dir("/")
        .uid(owner.uid())
        .gid(owner.gid())
        .output()
        .expect("pg_basebackup can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
