//! How many jobs have run: fang and apalis have no room for state in a handler.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

static RAN: AtomicU64 = AtomicU64::new(0);

/// One more.
pub fn ran() {
    RAN.fetch_add(1, Ordering::Relaxed);
}

/// From now until so many have run, and until what is asked for says that the database knows.
pub async fn time<F: Future<Output = bool>>(began: Instant, jobs: u64, done: impl Fn() -> F) -> Duration {
    while RAN.load(Ordering::Relaxed) < jobs {
        assert!(began.elapsed() < Duration::from_secs(300), "only {RAN:?} of {jobs} have run");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    while !done().await {
        assert!(began.elapsed() < Duration::from_secs(300), "not all are acknowledged");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    RAN.store(0, Ordering::Relaxed);
    began.elapsed()
}
