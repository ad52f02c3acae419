//! The request to stop, as all parts of the process see it.

use tokio_util::sync::CancellationToken;

/// Starts once and never ends: take no new work, finish what runs, return. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Drain(CancellationToken);

impl Drain {
    /// A drain that has not started.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether to stop.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is time to stop.
    pub async fn started(&self) {
        self.0.cancelled().await;
    }

    /// Starts the drain. Starting it again changes nothing.
    pub fn start(&self) {
        self.0.cancel();
    }

    /// The same request as a token, for code that waits for one.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.0.clone()
    }
}
