//! The load of the server and its replicas.

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio_postgres::{Client, Error};

/// What was seen at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Load {
    /// How far the slowest replica is behind.
    pub replica_lag: Duration,
    /// The same in bytes of the log.
    pub replica_bytes: i64,
    /// Sessions of others that work at this moment.
    pub active: i64,
    /// How long this very question took: what others' small queries take, too.
    pub answer: Duration,
}

/// Looks over a connection that does nothing else meanwhile.
pub(crate) async fn look(client: &Client) -> Result<Load, Error> {
    let asked = Instant::now();
    let row = client
        .query_one(
            // A user who may not see the replicas sees none that lag.
            "SELECT coalesce((SELECT max(extract(epoch FROM coalesce(replay_lag, flush_lag))) FROM pg_stat_replication), 0)::float8,
                    coalesce((SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(replay_lsn, flush_lsn)))
                              FROM pg_stat_replication), 0)::bigint,
                    count(*) FILTER (WHERE state = 'active')
             FROM pg_stat_activity
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
            &[],
        )
        .await?;
    let seconds: f64 = row.get(0);
    Ok(Load {
        replica_lag: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
        replica_bytes: row.get(1),
        active: row.get(2),
        answer: asked.elapsed(),
    })
}
