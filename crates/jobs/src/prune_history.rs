//! Deletes old history.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use job::{Job, Policy};

/// Deletes raw pings older than 7 days and hourly roll-ups older than 13 months.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneHistory {}

impl Job for PruneHistory {
    const KIND: &'static str = "prune_history";
    const POLICY: Policy =
        Policy { max_attempts: 3, priority: 20, timeout: Duration::from_secs(600), ..Policy::DEFAULT };
}
