//! Request metrics.

use std::{sync::Arc, time::Instant};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};
use prometheus::{HistogramOpts, HistogramVec, IntGauge, Registry};

/// From a cached page to a database that is about to time out, in seconds.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Counts and times by route, never by address: a scanner must not grow the table.
pub(crate) struct Metrics {
    seconds: HistogramVec,
    running: IntGauge,
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let options =
            HistogramOpts::new("http_request_duration_seconds", "Time until a request was answered");
        let metrics = Self {
            seconds: HistogramVec::new(options.buckets(BUCKETS.to_vec()), &["method", "route", "status"])?,
            running: IntGauge::new("http_requests_running", "Requests that are being answered")?,
        };
        registry.register(Box::new(metrics.seconds.clone()))?;
        registry.register(Box::new(metrics.running.clone()))?;
        Ok(metrics)
    }

    /// Middleware around everything else.
    pub(crate) async fn observe<B: MessageBody>(
        self: Arc<Self>,
        request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<B>, Error> {
        let begun = Instant::now();
        self.running.inc();
        let _running = Running(&self.running);
        let response = next.call(request).await?;
        let request = response.request();
        let route = request.match_pattern().unwrap_or_else(|| "unknown".to_owned());
        let method = known_method(request.method().as_str());
        let status = response.status();
        let taken = begun.elapsed();
        self.seconds.with_label_values(&[method, &route, status.as_str()]).observe(taken.as_secs_f64());
        tracing::debug!(
            http.method = method,
            http.route = route,
            http.status = status.as_u16(),
            http.ms = taken.as_millis(),
            "answered"
        );
        Ok(response)
    }
}

/// Also ends when the visitor goes away and the answer is dropped.
struct Running<'a>(&'a IntGauge);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn known_method(method: &str) -> &'static str {
    ["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}
