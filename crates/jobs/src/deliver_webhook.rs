//! Sends one notification of an opened or closed incident to one webhook.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use job::{Job, Policy};

/// Delivers one stored webhook delivery. What to send and where is read from its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliverWebhook {
    /// The delivery's id.
    pub delivery_id: i64,
}

impl Job for DeliverWebhook {
    const KIND: &'static str = "deliver_webhook";
    const POLICY: Policy = Policy { max_attempts: 12, timeout: Duration::from_secs(30), ..Policy::DEFAULT };
}
