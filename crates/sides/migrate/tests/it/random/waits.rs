//! How long others wait for a migration, as the server says it, less what a busy machine takes to run anybody.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use database::DatabaseUrl;
use tokio::task::JoinHandle;

use super::connect;

const EACH: Duration = Duration::from_millis(15);

/// Looks at all sessions of a database.
pub(super) struct Waits {
    stops: Arc<AtomicBool>,
    longest: Arc<AtomicI64>,
    latest: Arc<AtomicI64>,
    task: JoinHandle<()>,
}

impl Waits {
    pub(super) async fn start(url: &DatabaseUrl) -> Self {
        let (stops, longest) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(0)));
        let session = connect(url, "waits").await;
        let latest = Arc::new(AtomicI64::new(0));
        let (stop, most, late) = (Arc::clone(&stops), Arc::clone(&longest), Arc::clone(&latest));
        let task = tokio::spawn(async move {
            let question = session
                .prepare(
                    "SELECT (extract(epoch FROM clock_timestamp() - l.waitstart) * 1000)::int8
                     FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
                     WHERE NOT l.granted AND a.application_name = 'traffic' AND a.datname = current_database() AND EXISTS (
                         SELECT FROM unnest(pg_blocking_pids(l.pid)) AS by JOIN pg_stat_activity AS b ON b.pid = by
                         WHERE b.application_name LIKE 'migrate%')",
                )
                .await
                .unwrap();
            while !stop.load(Ordering::Relaxed) {
                for row in session.query(&question, &[]).await.unwrap() {
                    most.fetch_max(row.get::<_, Option<i64>>(0).unwrap_or(0), Ordering::Relaxed);
                }
                let slept = Instant::now();
                tokio::time::sleep(EACH).await;
                let over = slept.elapsed().saturating_sub(EACH);
                late.fetch_max(i64::try_from(over.as_millis()).unwrap(), Ordering::Relaxed);
            }
        });
        Self { stops, longest, latest, task }
    }

    /// In milliseconds, since the last call.
    pub(super) fn longest(&self) -> i64 {
        let latest = self.latest.swap(0, Ordering::Relaxed);
        // To wait, to be let go, to run: each of them may be as late.
        (self.longest.swap(0, Ordering::Relaxed) - 4 * latest).max(0)
    }

    pub(super) async fn stop(self) {
        self.stops.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
    }
}
