//! The processes that have a row in `sides.instances`, wherever they run.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use database::DatabaseUrl;
use diesel::{QueryableByName, sql_types};
use diesel_async::RunQueryDsl as _;
use serde::Serialize;

/// A row whose process wrote it a moment ago.
#[derive(Debug, QueryableByName, Serialize)]
pub(crate) struct Instance {
    #[diesel(sql_type = sql_types::Text)]
    pub(crate) process: String,
    #[diesel(sql_type = sql_types::Text)]
    pub(crate) release: String,
    #[diesel(sql_type = sql_types::Text)]
    pub(crate) host: String,
    #[diesel(sql_type = sql_types::Integer)]
    pub(crate) pid: i32,
    #[diesel(sql_type = sql_types::Text)]
    pub(crate) ops_address: String,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub(crate) public_address: Option<String>,
    #[diesel(sql_type = sql_types::Text)]
    pub(crate) state: String,
    #[diesel(sql_type = sql_types::Timestamptz)]
    pub(crate) started_at: DateTime<Utc>,
    #[diesel(sql_type = sql_types::Timestamptz)]
    pub(crate) heartbeat_at: DateTime<Utc>,
}

impl Instance {
    pub(crate) fn is_ready(&self) -> bool {
        self.state == "ready"
    }
}

/// Those that are alive: not stopped, and their heartbeat is not older than three beats.
pub(crate) async fn alive(url: &DatabaseUrl) -> anyhow::Result<Vec<Instance>> {
    let mut connection = database::connect(url).await?;
    let query = "SELECT process, release, host, pid, ops_address, public_address, state, started_at, heartbeat_at \
                 FROM sides.instances \
                 WHERE state <> 'stopped' AND heartbeat_at > now() - interval '15 seconds' \
                 ORDER BY process, started_at";
    let rows = diesel::sql_query(query).load(&mut connection).await;
    rows.context("the running processes cannot be read; is the schema up to date? cargo run -p migrate -- up")
}
