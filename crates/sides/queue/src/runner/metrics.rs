//! What a runner has done, in numbers.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{Runner, buffer::Buffer, outcome::Outcome, outcomes::Outcomes, sql::give_back::Returned};

/// How attempts ended, since the runner began. Each is a few additions to a number, and nothing where nobody asks.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    finished: AtomicU64,
    discarded: AtomicU64,
    cancelled: AtomicU64,
    retried: AtomicU64,
    failed: AtomicU64,
    snoozed: AtomicU64,
    parked: AtomicU64,
    released: AtomicU64,
    lost: AtomicU64,
}

impl Counts {
    pub(crate) fn add(&self, outcome: &Outcome) {
        let count = match outcome {
            Outcome::Over(job) => match &job.otherwise {
                None => &self.finished,
                Some(("cancelled", _)) => &self.cancelled,
                Some(_) => &self.discarded,
            },
            Outcome::Return(job) => match job.outcome {
                Returned::Released => &self.released,
                Returned::Snoozed => &self.snoozed,
                Returned::Retried => &self.retried,
                Returned::Failed => &self.failed,
                Returned::Parked => &self.parked,
            },
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_lost(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a runner has done so far, and does: see [`super::Runner::metrics`]. Numbers of `ended` only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Jobs that run.
    pub running: u64,
    /// Jobs that were claimed and wait for a slot.
    pub claimed_ahead: u64,
    /// Attempts that succeeded.
    pub finished: u64,
    /// Jobs that were discarded.
    pub discarded: u64,
    /// Jobs that were cancelled, before or while they ran.
    pub cancelled: u64,
    /// Attempts that failed and will be repeated.
    pub retried: u64,
    /// Last attempts that failed.
    pub failed: u64,
    /// Attempts that asked for another time.
    pub snoozed: u64,
    /// Jobs that this build cannot read.
    pub parked: u64,
    /// Jobs that were given back, not begun or stopped with the runner.
    pub released: u64,
    /// Of all these, those that another runner may have had by then: what became of them here was not recorded.
    pub lost: u64,
}

impl Metrics {
    pub(crate) fn now(buffer: &Buffer, outcomes: &Outcomes) -> Self {
        let counts = &outcomes.counts;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Self {
            running: buffer.busy() as u64,
            claimed_ahead: buffer.waiting() as u64,
            finished: read(&counts.finished),
            discarded: read(&counts.discarded),
            cancelled: read(&counts.cancelled),
            retried: read(&counts.retried),
            failed: read(&counts.failed),
            snoozed: read(&counts.snoozed),
            parked: read(&counts.parked),
            released: read(&counts.released),
            lost: read(&counts.lost),
        }
    }

    /// Each outcome with its count, for one metric with a label.
    #[must_use]
    pub fn ended(&self) -> [(&'static str, u64); 9] {
        [
            ("finished", self.finished),
            ("discarded", self.discarded),
            ("cancelled", self.cancelled),
            ("retried", self.retried),
            ("failed", self.failed),
            ("snoozed", self.snoozed),
            ("parked", self.parked),
            ("released", self.released),
            ("lost", self.lost),
        ]
    }
}

/// In the text format of Prometheus.
impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# TYPE sides_queue_jobs gauge")?;
        writeln!(f, "sides_queue_jobs{{state=\"running\"}} {}", self.running)?;
        writeln!(f, "sides_queue_jobs{{state=\"claimed_ahead\"}} {}", self.claimed_ahead)?;
        writeln!(f, "# TYPE sides_queue_attempts_total counter")?;
        for (outcome, count) in self.ended() {
            writeln!(f, "sides_queue_attempts_total{{outcome=\"{outcome}\"}} {count}")?;
        }
        Ok(())
    }
}

impl<S> Runner<S> {
    /// Says how many jobs run, whenever it is called.
    pub fn busy(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        let buffer = Arc::clone(&self.buffer);
        move || buffer.busy()
    }

    /// Says what runs and how attempts have ended so far, whenever it is called: as numbers, or as text in Prometheus'
    /// format.
    ///
    /// ```
    /// # use sides_queue::{Registry, Runner, RunnerConfig};
    /// # let url = "postgres://127.0.0.1/app".parse().unwrap();
    /// let runner = Runner::new(url, Registry::new(()), RunnerConfig::default());
    /// let metrics = runner.metrics();
    /// // After `tokio::spawn(runner.run(…))`, in the handler of `GET /metrics`:
    /// assert!(metrics().to_string().contains("sides_queue_attempts_total{outcome=\"finished\"} 0"));
    /// ```
    pub fn metrics(&self) -> impl Fn() -> Metrics + Send + Sync + 'static {
        let (buffer, outcomes) = (Arc::clone(&self.buffer), Arc::clone(&self.outcomes));
        move || Metrics::now(&buffer, &outcomes)
    }
}
