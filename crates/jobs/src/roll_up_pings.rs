//! Aggregates raw pings into hourly figures.

use serde::{Deserialize, Serialize};

use job::{Job, Policy};

/// Writes the hourly roll-up of every hour that has raw pings and is not final yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollUpPings {}

impl Job for RollUpPings {
    const KIND: &'static str = "roll_up_pings";
    const POLICY: Policy = Policy { max_attempts: 3, priority: 10, ..Policy::DEFAULT };
}
