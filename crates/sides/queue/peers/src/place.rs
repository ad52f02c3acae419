//! One Postgres for all, a database for each.

use postgres::{Cluster, Opened, Settings};
use database::DatabaseUrl;

pub struct Place {
    cluster: Cluster,
    _folder: tempfile::TempDir,
}

impl Place {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let opened = Cluster::open(folder.path(), Settings { durable: true, ..Settings::default() });
        let Opened::Started(cluster) = opened.await.expect("Postgres starts") else {
            panic!("nobody else uses a fresh folder");
        };
        Self { cluster, _folder: folder }
    }

    /// A fresh, empty database.
    pub async fn database(&self, name: &str) -> DatabaseUrl {
        let server: DatabaseUrl = self.cluster.url().parse().expect("the cluster's address is one");
        let client = database::client(&server).await.expect("the server answers");
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.expect("dropped");
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("created");
        client.batch_execute("CHECKPOINT").await.expect("a checkpoint");
        server.with_database(name)
    }

    pub async fn close(self) {
        self.cluster.stop().await;
    }
}

/// Statistics that know of the jobs, and nothing left to write from before.
pub async fn settle(client: &tokio_postgres::Client) {
    client.batch_execute("VACUUM ANALYZE").await.expect("vacuumed");
    client.batch_execute("CHECKPOINT").await.expect("a checkpoint");
}

/// Whether the query answers true.
pub async fn says(client: &tokio_postgres::Client, sql: &str) -> bool {
    client.query_one(sql, &[]).await.expect("the query is valid").get(0)
}
