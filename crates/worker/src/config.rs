//! What the worker reads from its environment.

use std::time::Duration;

use egress::Egress;
use process::Environment;

use crate::witness::{self, Addresses};

/// A host that never answers holds its place until its timeout: there must be more places than there are such
/// hosts, or everybody else waits for them. A place in use holds about 50 KiB.
const CONCURRENCY: usize = 512;
const HISTORY_DAYS: u32 = 30;

/// The worker's own settings, each named by its variable.
#[derive(Debug, Clone)]
pub struct Config {
    /// `WORKER_CONCURRENCY`: how many jobs run at the same time.
    pub concurrency: usize,
    /// `ALLOW_PRIVATE_ADDRESSES`: which private addresses services and webhooks may have.
    pub egress: Egress,
    /// `WITNESSES`: who is asked whether there is a network, when a service cannot be reached.
    pub witnesses: Addresses,
    /// `JOB_HISTORY_DAYS`: how long jobs are remembered once they are over.
    pub job_history: Duration,
}

impl Config {
    /// Reads the settings and notes what is wrong with them.
    pub fn read(environment: &mut Environment) -> Self {
        let concurrency = environment.number("WORKER_CONCURRENCY", CONCURRENCY, 1..=10_000);
        environment
            .about("WORKER_CONCURRENCY", "how many jobs run at once (most of them wait for a slow host)");
        let egress = environment.parsed(egress::VARIABLE, Egress::default());
        environment.about(
            egress::VARIABLE,
            "the private addresses that services and webhooks may have: true for all, or ranges such as 10.0.0.0/8; \
                 set it for web, too",
        );
        let witnesses = environment.parsed(witness::VARIABLE, Addresses::default());
        environment.about(
            witness::VARIABLE,
            "addresses that nearly always answer, separated by commas: while none does, no service counts as failed",
        );
        let days = environment.number("JOB_HISTORY_DAYS", HISTORY_DAYS, 1..=3650);
        environment.about("JOB_HISTORY_DAYS", "for how many days the history of finished jobs is kept");
        let job_history = Duration::from_secs(u64::from(days) * 86_400);
        Self { concurrency, egress, witnesses, job_history }
    }
}
