//! Metrics of the ticks.

use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

/// The scheduler's metrics.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    ticks: IntCounterVec,
    lateness: Histogram,
}

/// How a tick ended here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Fired,
    FiredByAnother,
    Refused,
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let ticks = Opts::new("sides_clock_ticks_total", "Ticks seen by this clock, by how they ended here.");
        let lateness = HistogramOpts::new(
            "sides_clock_lateness_seconds",
            "From the due moment of a tick to the commit of its job, for ticks fired here.",
        );
        let buckets = vec![0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 60.0, 3600.0];
        let metrics = Self {
            ticks: IntCounterVec::new(ticks, &["outcome"])?,
            lateness: Histogram::with_opts(lateness.buckets(buckets))?,
        };
        registry.register(Box::new(metrics.ticks.clone()))?;
        registry.register(Box::new(metrics.lateness.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn count(&self, outcome: Outcome, late: chrono::TimeDelta) {
        let text = match outcome {
            Outcome::Fired => "fired",
            Outcome::FiredByAnother => "fired_elsewhere",
            Outcome::Refused => "refused",
        };
        self.ticks.with_label_values(&[text]).inc();
        if outcome == Outcome::Fired {
            self.lateness.observe(late.as_seconds_f64());
        }
    }
}
