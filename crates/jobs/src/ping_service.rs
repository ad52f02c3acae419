//! One ping of one service.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use job::{Job, Policy};

/// Pings one service once and stores what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingService {
    /// The service's id.
    pub service_id: i64,
    /// The moment this ping was due. With the id it names the ping: a second run of the same job stores
    /// nothing new.
    pub due_at: DateTime<Utc>,
}

impl Job for PingService {
    const KIND: &'static str = "ping_service";
    // A failed ping is a result, not a failed job; only our own trouble (the database) is retried, briefly.
    const POLICY: Policy = Policy { max_attempts: 3, timeout: Duration::from_secs(90), ..Policy::DEFAULT };
}
