//! The metrics that every process has, read when they are asked for.

use database::Pool;
use prometheus::{
    Gauge, IntGauge, IntGaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use crate::status::Status;

/// Registers the process' own metrics.
pub(crate) fn register(status: &Status) -> prometheus::Result<()> {
    let labels = ["process", "release", "version"];
    let build = IntGaugeVec::new(Opts::new("sides_build_info", "The running build, as labels."), &labels)?;
    build.with_label_values(&[status.process, &status.release, env!("CARGO_PKG_VERSION")]).set(1);
    status.metrics.register(Box::new(build))?;
    let started = Gauge::new("process_start_time_seconds", "Start time in seconds since the epoch.")?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit 52 bits")]
    started.set(status.started_at.timestamp_millis() as f64 / 1000.0);
    status.metrics.register(Box::new(started))?;
    status.metrics.register(Box::new(Resources::new()?))
}

/// Registers a pool's figures.
pub(crate) fn register_pool(registry: &prometheus::Registry, pool: Pool) -> prometheus::Result<()> {
    let connections = Opts::new("sides_database_pool_connections", "Open connections, by state.");
    let connections = IntGaugeVec::new(connections, &["state"])?;
    let limit = IntGauge::new("sides_database_pool_limit", "The limit of open connections.")?;
    let waiting = IntGauge::new("sides_database_pool_waiting", "Tasks waiting for a connection.")?;
    registry.register(Box::new(PoolFigures { pool, connections, limit, waiting }))
}

/// Time on the processor and memory.
struct Resources {
    cpu: Gauge,
    memory: Gauge,
    threads: Gauge,
}

impl Resources {
    fn new() -> prometheus::Result<Self> {
        Ok(Self {
            cpu: Gauge::new("process_cpu_seconds_total", "CPU time in seconds.")?,
            memory: Gauge::new("process_resident_memory_bytes", "Resident memory in bytes.")?,
            threads: Gauge::new("process_threads", "Operating system threads.")?,
        })
    }
}

impl Collector for Resources {
    fn desc(&self) -> Vec<&Desc> {
        [&self.cpu, &self.memory, &self.threads].into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        use nix::sys::{
            resource::{UsageWho, getrusage},
            time::TimeVal,
        };
        let mut families = Vec::new();
        if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
            let time: TimeVal = usage.user_time() + usage.system_time();
            #[expect(clippy::cast_precision_loss, reason = "seconds and microseconds fit 52 bits")]
            self.cpu.set(time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6);
            families.extend(self.cpu.collect());
        }
        // Only Linux has it; elsewhere these two are missing rather than wrong.
        if let Ok(text) = std::fs::read_to_string("/proc/self/status") {
            if let Some(kibibytes) = field(&text, "VmRSS:") {
                self.memory.set(kibibytes * 1024.0);
                families.extend(self.memory.collect());
            }
            if let Some(threads) = field(&text, "Threads:") {
                self.threads.set(threads);
                families.extend(self.threads.collect());
            }
        }
        families
    }
}

fn field(status: &str, name: &str) -> Option<f64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

struct PoolFigures {
    pool: Pool,
    connections: IntGaugeVec,
    limit: IntGauge,
    waiting: IntGauge,
}

impl Collector for PoolFigures {
    fn desc(&self) -> Vec<&Desc> {
        let mut all = self.connections.desc();
        all.extend(self.limit.desc());
        all.extend(self.waiting.desc());
        all
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let now = self.pool.status();
        let idle = now.available.min(now.size);
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.connections.with_label_values(&["idle"]).set(number(idle));
        self.connections.with_label_values(&["in_use"]).set(number(now.size - idle));
        self.limit.set(number(now.max_size));
        self.waiting.set(number(now.waiting));
        let mut all = self.connections.collect();
        all.extend(self.limit.collect());
        all.extend(self.waiting.collect());
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_proc_status_is_read() {
        let text = "Name:\tclock\nVmRSS:\t    9876 kB\nThreads:\t5\n";
        assert_eq!(field(text, "VmRSS:"), Some(9876.0));
        assert_eq!(field(text, "Threads:"), Some(5.0));
        assert_eq!(field(text, "VmSwap:"), None);
    }
}
