//! A Postgres of the benchmark's own, durable as in production, and what is asked of it.

use std::time::Duration;

use anyhow::{Context as _, bail};
use database::{Connection, DatabaseUrl};
use diesel::{QueryableByName, sql_types};
use diesel_async::RunQueryDsl as _;
use postgres::{Cluster, Opened, Settings};
use tempfile::TempDir;

use crate::{
    arguments::Arguments,
    figures::{Figures, QUERY},
    sites::Sites,
};

pub(crate) struct BenchDatabase {
    cluster: Cluster,
    url: DatabaseUrl,
    folder: TempDir,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = sql_types::Text)]
    word: String,
}

impl BenchDatabase {
    /// Starts and migrates it.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let cluster = match Cluster::open(folder.path(), Settings::default()).await? {
            Opened::Started(cluster) => cluster,
            Opened::Running { .. } => bail!("a fresh folder has no server"),
        };
        let url: DatabaseUrl = cluster.url().parse()?;
        migrate::up(&url, &testing::schema::migrations()).await?;
        Ok(Self { cluster, url, folder })
    }

    pub(crate) fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// The server's first process.
    pub(crate) fn pid(&self) -> anyhow::Result<i32> {
        let file = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid"))?;
        Ok(file.lines().next().context("a pid file has a pid")?.trim().parse()?)
    }

    pub(crate) async fn stop(self) {
        self.cluster.stop().await;
    }

    pub(crate) async fn description(&self) -> anyhow::Result<String> {
        self.word(
            "'Postgres ' || current_setting('server_version') || ' with fsync ' || current_setting('fsync')",
        )
        .await
    }

    pub(crate) async fn now(&self) -> anyhow::Result<String> {
        self.word("clock_timestamp()::text").await
    }

    pub(crate) async fn bytes_per_ping(&self) -> anyhow::Result<String> {
        self.word("(pg_total_relation_size('pings') / greatest(1, (SELECT count(*) FROM pings)))::text").await
    }

    /// Adds all at once, each due now.
    pub(crate) async fn add_services(&self, sites: &Sites, arguments: &Arguments) -> anyhow::Result<()> {
        const ADD: &str = "\
WITH added AS (
    INSERT INTO services (name, url, interval_seconds)
    SELECT 'site ' || n,
        'http://127.0.0.1:' || CASE WHEN n > $2 THEN $4 ELSE ($1::int[])[1 + n % cardinality($1)] END || '/', $5
    FROM generate_series(1, $2 + $3) AS n RETURNING id
)
INSERT INTO service_states (service_id) SELECT id FROM added";
        let count = |number: u32| i32::try_from(number);
        diesel::sql_query(ADD)
            .bind::<sql_types::Array<sql_types::Integer>, _>(&sites.ports)
            .bind::<sql_types::Integer, _>(count(arguments.services)?)
            .bind::<sql_types::Integer, _>(count(arguments.dead)?)
            .bind::<sql_types::Integer, _>(sites.dead_port)
            .bind::<sql_types::Integer, _>(count(arguments.interval)?)
            .execute(&mut self.connection().await?)
            .await?;
        Ok(())
    }

    /// Waits until each service that answers was pinged once.
    pub(crate) async fn first_burst(&self, arguments: &Arguments) -> anyhow::Result<Figures> {
        let mut connection = self.connection().await?;
        let pinged = "SELECT count(DISTINCT service_id)::text AS word FROM pings JOIN services ON id = service_id \
                      WHERE ok AND url IS NOT NULL";
        let wanted = arguments.services.to_string();
        testing::wait_until("every service is pinged once", Duration::from_secs(120), async || {
            let found: Word = diesel::sql_query(pinged).get_result(&mut connection).await.expect("it counts");
            found.word == wanted
        })
        .await;
        self.since("1970-01-01", f64::from(i32::MAX), 1).await
    }

    pub(crate) async fn figures(&self, from: &str, arguments: &Arguments) -> anyhow::Result<Figures> {
        let at_least = i64::from(arguments.seconds / arguments.interval);
        self.since(from, arguments.measured().as_secs_f64(), at_least).await
    }

    async fn since(&self, from: &str, seconds: f64, at_least: i64) -> anyhow::Result<Figures> {
        let query = diesel::sql_query(QUERY)
            .bind::<sql_types::Text, _>(from)
            .bind::<sql_types::Double, _>(seconds)
            .bind::<sql_types::BigInt, _>(at_least);
        Ok(query.get_result(&mut self.connection().await?).await?)
    }

    async fn word(&self, expression: &str) -> anyhow::Result<String> {
        let query = diesel::sql_query(format!("SELECT {expression} AS word"));
        let found: Word = query.get_result(&mut self.connection().await?).await?;
        Ok(found.word)
    }

    async fn connection(&self) -> anyhow::Result<Connection> {
        Ok(database::connect(&self.url).await?)
    }
}
