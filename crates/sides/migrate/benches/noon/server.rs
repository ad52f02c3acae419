//! A server with a table that is made once, and a copy of it for each change.

use database::DatabaseUrl;
use postgres::{Cluster, Opened, Settings};
use tokio_postgres::Client;

use crate::{TABLE, waits::Waits};

/// Where the table is kept from run to run.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../target/noon");
const COPY: &str = "noon_copy";

pub(crate) struct Server {
    cluster: Cluster,
    admin: Client,
    url: DatabaseUrl,
    table: String,
}

impl Server {
    /// Starts it, and makes the table where it is missing.
    pub(crate) async fn start(rows: i64) -> Self {
        // As a small server is set up; what it loses in a crash of the machine nobody misses.
        let options = [
            ("shared_buffers", "1GB"),
            ("max_wal_size", "8GB"),
            ("maintenance_work_mem", "256MB"),
            ("checkpoint_timeout", "15min"),
            ("autovacuum_naptime", "15s"),
        ];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter();
        let waits = Waits::settings().map(|(name, value)| (name.to_owned(), value));
        let options = options.chain(waits).collect();
        let settings = Settings { options, ..Settings::default() };
        let Opened::Started(cluster) = Cluster::open(FOLDER, settings).await.unwrap() else {
            panic!("another run is at work in {FOLDER}")
        };
        let url: DatabaseUrl = cluster.url().parse().unwrap();
        let server = Self {
            admin: database::client(&url).await.unwrap(),
            cluster,
            url,
            table: format!("noon_{rows}"),
        };
        server.fill(rows).await;
        server
    }

    async fn fill(&self, rows: i64) {
        let is_there = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";
        if self.admin.query_one(is_there, &[&self.table]).await.unwrap().get(0) {
            return;
        }
        let unfinished = format!("{}_unfinished", self.table);
        self.run(&format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await;
        self.run(&format!("CREATE DATABASE {unfinished}")).await;
        let client = database::client(&self.url.with_database(&unfinished)).await.unwrap();
        client.batch_execute(TABLE).await.unwrap();
        let fill = format!(
            "INSERT INTO t (r, txt) SELECT 1 + n % 50, 'text ' || n FROM generate_series(1, {rows}) AS n"
        );
        client.batch_execute(&fill).await.unwrap();
        client.batch_execute("VACUUM (FREEZE, ANALYZE) t").await.unwrap();
        drop(client);
        self.run("CHECKPOINT").await;
        self.run(&format!("ALTER DATABASE {unfinished} RENAME TO {}", self.table)).await;
    }

    /// A copy of the table in a database of its own.
    pub(crate) async fn copy(&self) -> DatabaseUrl {
        self.drop_copy().await;
        // Its files alone: no log is written of it.
        self.run(&format!("CREATE DATABASE {COPY} TEMPLATE {} STRATEGY FILE_COPY", self.table)).await;
        self.url.with_database(COPY)
    }

    /// What it logs from now on of those who wait for locks.
    pub(crate) fn waits(&self) -> Waits {
        Waits::since_now(self.cluster.log())
    }

    pub(crate) async fn drop_copy(&self) {
        self.run(&format!("DROP DATABASE IF EXISTS {COPY} WITH (FORCE)")).await;
    }

    pub(crate) async fn stop(self) {
        self.cluster.stop().await;
    }

    async fn run(&self, statement: &str) {
        self.admin.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }
}
