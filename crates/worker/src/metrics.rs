//! The worker's metrics.

use std::time::Duration;

use models::Ping;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

/// How many pings, with which result, and how late.
#[derive(Clone)]
pub(crate) struct Metrics {
    pings: IntCounterVec,
    lateness: Histogram,
    deliveries: IntCounterVec,
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let pings = Opts::new("sides_pings_total", "Pings sent, by result: ok or why not.");
        let lateness =
            HistogramOpts::new("sides_ping_lateness_seconds", "From a ping's due time to its start.")
                .buckets(vec![0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0]);
        let deliveries = Opts::new("sides_webhook_attempts_total", "Webhook attempts, by outcome.");
        let metrics = Self {
            pings: IntCounterVec::new(pings, &["result"])?,
            lateness: Histogram::with_opts(lateness)?,
            deliveries: IntCounterVec::new(deliveries, &["outcome"])?,
        };
        registry.register(Box::new(metrics.pings.clone()))?;
        registry.register(Box::new(metrics.lateness.clone()))?;
        registry.register(Box::new(metrics.deliveries.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn pinged(&self, ping: &Ping) {
        self.pings.with_label_values(&[ping.error_kind.as_deref().unwrap_or("ok")]).inc();
        let late = (ping.pinged_at - ping.due_at).to_std().unwrap_or(Duration::ZERO);
        self.lateness.observe(late.as_secs_f64());
    }

    pub(crate) fn not_counted(&self) {
        self.pings.with_label_values(&["no_network"]).inc();
    }

    pub(crate) fn delivered(&self, outcome: &str) {
        self.deliveries.with_label_values(&[outcome]).inc();
    }
}
