//! The running instances and the next due schedules.

use std::time::Duration;

use ::schema::instances::{self, Instance as Row};
use chrono::{DateTime, Utc};
use database::Connection;
use diesel::QueryResult;
use serde::Serialize;

pub(crate) use ::schema::schedules::{Announced as Schedule, announced as schedules};

/// One running instance of a process.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Instance {
    pub(crate) process: String,
    pub(crate) release: String,
    pub(crate) host: String,
    pub(crate) pid: i32,
    pub(crate) state: String,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) heartbeat_at: DateTime<Utc>,
}

impl From<Row> for Instance {
    fn from(row: Row) -> Self {
        let Row { process, release, host, pid, state, started_at, heartbeat_at, .. } = row;
        Self { process, release, host, pid, state, started_at, heartbeat_at }
    }
}

/// An instance that was killed says nothing more; it is shown for a while, as silent.
const SHOWN_FOR: Duration = Duration::from_secs(5 * 60);

/// Everything that runs.
pub(crate) async fn instances(connection: &mut Connection) -> QueryResult<Vec<Instance>> {
    let found = instances::heard_of(connection, SHOWN_FOR).await?;
    Ok(found.into_iter().map(Instance::from).collect())
}
