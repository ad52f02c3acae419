//! Fan out: one ping for every service that is due.

use serde::{Deserialize, Serialize};

use job::{Job, Policy};

/// Enqueues a [`crate::PingService`] for each service whose next ping is due.
///
/// Fired by the clock, which knows its kind and nothing about services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingDueServices {}

impl Job for PingDueServices {
    const KIND: &'static str = "ping_due_services";
    // The next tick does the same work: retrying an old one helps nobody.
    const POLICY: Policy = Policy { max_attempts: 1, priority: -10, ..Policy::DEFAULT };
}
