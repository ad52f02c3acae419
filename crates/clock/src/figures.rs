//! What `/metrics` says of the ticks.

use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

/// The clock's metrics.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    ticks: IntCounterVec,
    lateness: Histogram,
}

/// How a tick ended here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Fired,
    FiredElsewhere,
    Refused,
}

impl Figures {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let ticks = Opts::new("sides_clock_ticks_total", "Ticks seen by this clock, by how they ended here.");
        let lateness = HistogramOpts::new(
            "sides_clock_lateness_seconds",
            "From the due moment of a tick to the commit of its job, for ticks fired here.",
        );
        let buckets = vec![0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 60.0, 3600.0];
        let figures = Self {
            ticks: IntCounterVec::new(ticks, &["outcome"])?,
            lateness: Histogram::with_opts(lateness.buckets(buckets))?,
        };
        registry.register(Box::new(figures.ticks.clone()))?;
        registry.register(Box::new(figures.lateness.clone()))?;
        Ok(figures)
    }

    pub(crate) fn count(&self, outcome: Outcome, late: chrono::TimeDelta) {
        let text = match outcome {
            Outcome::Fired => "fired",
            Outcome::FiredElsewhere => "fired_elsewhere",
            Outcome::Refused => "refused",
        };
        self.ticks.with_label_values(&[text]).inc();
        if outcome == Outcome::Fired {
            self.lateness.observe(late.as_seconds_f64());
        }
    }
}
