//! What every handler does. Some peers have no room for state in a handler, so it is here.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

static RAN: AtomicU64 = AtomicU64::new(0);
static NAP: AtomicU64 = AtomicU64::new(0);
static LAST: AtomicU64 = AtomicU64::new(0);
static EPOCH: OnceLock<Instant> = OnceLock::new();

/// One job.
pub async fn run() {
    let now = EPOCH.get_or_init(Instant::now).elapsed();
    LAST.store(u64::try_from(now.as_nanos()).expect("it fits"), Ordering::Relaxed);
    let nap = NAP.load(Ordering::Relaxed);
    if nap > 0 {
        tokio::time::sleep(Duration::from_micros(nap)).await;
    }
    RAN.fetch_add(1, Ordering::Release);
}

/// How long jobs take from now on; and none have run.
pub fn reset(nap: Duration) {
    EPOCH.get_or_init(Instant::now);
    NAP.store(u64::try_from(nap.as_micros()).expect("it fits"), Ordering::Relaxed);
    RAN.store(0, Ordering::Release);
}

/// Until so many have run, or until none has for 10 seconds: fang's workers end when a job has run twice, and may all
/// have ended. How many have run, and when the last one began.
pub async fn wait(jobs: u64, every: Duration) -> (u64, Instant) {
    let (mut seen, mut moved) = (0, Instant::now());
    loop {
        let ran = RAN.load(Ordering::Acquire);
        if ran >= jobs || moved.elapsed() > Duration::from_secs(10) {
            let last = Duration::from_nanos(LAST.load(Ordering::Relaxed));
            return (ran.min(jobs), *EPOCH.get().expect("it was reset") + last);
        }
        if ran > seen {
            (seen, moved) = (ran, Instant::now());
        }
        tokio::time::sleep(every).await;
    }
}
