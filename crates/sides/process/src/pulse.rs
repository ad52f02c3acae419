//! Whether the runtime still runs tasks, which is what a liveness probe is for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Beats once a second inside the application's runtime. Read from the ops server's own thread, so that a
/// runtime whose threads are all blocked is noticed.
#[derive(Debug, Clone)]
pub(crate) struct Pulse {
    started: Instant,
    last_ms: Arc<AtomicU64>,
}

impl Pulse {
    /// A runtime silent for this long is stuck.
    pub(crate) const LIMIT: Duration = Duration::from_secs(15);

    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), last_ms: Arc::default() }
    }

    pub(crate) async fn beat(self) {
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        loop {
            seconds.tick().await;
            self.last_ms.store(self.now_ms(), Ordering::Relaxed);
        }
    }

    /// How long ago it last beat.
    pub(crate) fn age(&self) -> Duration {
        Duration::from_millis(self.now_ms().saturating_sub(self.last_ms.load(Ordering::Relaxed)))
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
