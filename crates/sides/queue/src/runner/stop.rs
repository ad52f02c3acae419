//! Telling one attempt to stop.

use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

/// Why an attempt should stop, other than that its time is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// The process drains and its deadline has passed.
    Drain,
    /// Another runner may have the job by now.
    LeaseLost,
    /// Nobody wants it any more, for this reason.
    Cancelled(String),
}

/// Shared by an attempt and whoever may stop it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    token: CancellationToken,
    reason: Arc<OnceLock<StopReason>>,
}

impl Stop {
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// The first reason counts.
    pub(crate) fn stop(&self, reason: StopReason) {
        self.reason.get_or_init(|| reason);
        self.token.cancel();
    }

    pub(crate) fn reason(&self) -> Option<&StopReason> {
        self.reason.get()
    }
}
