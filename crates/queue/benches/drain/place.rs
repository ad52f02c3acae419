//! A Postgres with the queue's tables.

use cluster::{Cluster, Opened, Settings};
use database::{Connection, DatabaseUrl};
use diesel_async::SimpleAsyncConnection as _;
use tokio_postgres::Client;

pub(crate) struct Place {
    pub(crate) url: DatabaseUrl,
    own: Option<(Cluster, tempfile::TempDir)>,
    server: Option<(DatabaseUrl, String)>,
}

impl Place {
    pub(crate) async fn open() -> Self {
        let place = match std::env::var("BENCH_DATABASE_URL") {
            Ok(text) => {
                let server: DatabaseUrl = text.parse().expect("BENCH_DATABASE_URL is an address");
                let name = format!("queue_bench_{}", std::process::id());
                let mut c = database::connect(&server).await.expect("the server answers");
                c.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database can be made");
                Self { url: server.with_database(&name), own: None, server: Some((server, name)) }
            }
            Err(_) => {
                let folder = tempfile::tempdir().unwrap();
                let opened = Cluster::open(folder.path(), Settings { durable: true, ..Settings::default() });
                let Opened::Started(cluster) = opened.await.expect("Postgres starts") else {
                    panic!("nobody else uses a fresh folder");
                };
                let url = cluster.url().parse().unwrap();
                Self { url, own: Some((cluster, folder)), server: None }
            }
        };
        migrate::up(&place.url).await.expect("the migrations apply");
        place
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

    /// Nothing but `jobs` no-op jobs, and statistics that know of them.
    pub(crate) async fn fill(&self, jobs: u64, kind: &str) {
        let client = self.client().await;
        client
            .batch_execute("TRUNCATE sides.fang_tasks, sides.job_history, sides.job_attempts, sides.runners")
            .await
            .unwrap();
        self.add(jobs, kind).await;
        client.batch_execute("VACUUM ANALYZE sides.fang_tasks").await.unwrap();
        client.batch_execute("CHECKPOINT").await.unwrap();
    }

    pub(crate) async fn add(&self, jobs: u64, kind: &str) {
        let mut c = self.connect().await;
        let chunk = 10_000;
        let mut left = usize::try_from(jobs).unwrap();
        while left > 0 {
            let now = left.min(chunk);
            match kind {
                "nap" => drop(queue::enqueue_all(&mut c, &vec![super::running::Nap {}; now]).await.unwrap()),
                _ => drop(queue::enqueue_all(&mut c, &vec![super::running::Nothing {}; now]).await.unwrap()),
            }
            left -= now;
        }
    }

    pub(crate) async fn close(self) {
        if let Some((cluster, folder)) = self.own {
            cluster.stop().await;
            drop(folder);
        }
        if let Some((server, name)) = self.server {
            let mut c = database::connect(&server).await.unwrap();
            c.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        }
    }
}
