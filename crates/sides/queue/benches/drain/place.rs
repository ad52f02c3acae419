//! A Postgres with the queue's tables.

use std::sync::Arc;

use database::{Connection, DatabaseUrl};
use job::Job;
use postgres::{Cluster, Opened, Settings};
use tokio_postgres::Client;

/// One database of it.
pub(crate) struct Place {
    pub(crate) url: DatabaseUrl,
    server: Arc<(Cluster, Option<tempfile::TempDir>)>,
}

impl Place {
    pub(crate) async fn open() -> Self {
        let (folder, temporary) = match std::env::var_os("BENCH_FOLDER") {
            Some(folder) => (folder.into(), None),
            None => {
                let folder = tempfile::tempdir().unwrap();
                (folder.path().to_owned(), Some(folder))
            }
        };
        let opened = Cluster::open(&folder, Settings { durable: true, ..Settings::default() });
        let Opened::Started(cluster) = opened.await.expect("Postgres starts") else {
            panic!("somebody else uses {}", folder.display());
        };
        let url = cluster.url().parse().unwrap();
        migrate::up(&url, &migrate::chassis().expect("the chassis' migrations are whole"))
            .await
            .expect("the migrations apply");
        Self { url, server: Arc::new((cluster, temporary)) }
    }

    /// Another database, with what it had the last time.
    pub(crate) async fn beside(&self, name: &str) -> Self {
        let there = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";
        let client = self.client().await;
        if !client.query_one(there, &[&name]).await.unwrap().get::<_, bool>(0) {
            client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        }
        let url = self.url.with_database(name);
        migrate::up(&url, &migrate::chassis().expect("the chassis' migrations are whole"))
            .await
            .expect("the migrations apply");
        Self { url, server: Arc::clone(&self.server) }
    }

    pub(crate) async fn connect(&self) -> Connection {
        database::connect(&self.url).await.unwrap()
    }

    pub(crate) async fn client(&self) -> Client {
        database::client(&self.url).await.unwrap()
    }

    pub(crate) async fn version(&self) -> String {
        let row =
            self.client().await.query_one("SELECT split_part(version(), ' on ', 1)", &[]).await.unwrap();
        row.get(0)
    }

    /// Nothing but `jobs` jobs like this, and statistics that know of them.
    pub(crate) async fn fill<J: Job + Clone>(&self, jobs: u64, job: &J) {
        let client = self.client().await;
        client
            .batch_execute("TRUNCATE sides.fang_tasks, sides.job_history, sides.job_attempts, sides.runners")
            .await
            .unwrap();
        self.add(jobs, job).await;
        client.batch_execute("VACUUM ANALYZE sides.fang_tasks").await.unwrap();
        client.batch_execute("CHECKPOINT").await.unwrap();
    }

    pub(crate) async fn add<J: Job + Clone>(&self, jobs: u64, job: &J) {
        let mut c = self.connect().await;
        let mut left = usize::try_from(jobs).unwrap();
        while left > 0 {
            let now = left.min(10_000);
            sides_queue::enqueue_all(&mut c, &vec![job.clone(); now]).await.unwrap();
            left -= now;
        }
    }

    pub(crate) async fn close(self) {
        if let Some((cluster, _folder)) = Arc::into_inner(self.server) {
            cluster.stop().await;
        }
    }
}
