//! What the worker reads from its environment.

use process::Environment;

/// A host that never answers holds its place until its timeout: there must be more places than there are such
/// hosts, or everybody else waits for them. A place in use holds about 50 KiB.
const CONCURRENCY: usize = 512;

/// The worker's own settings, each named by its variable.
#[derive(Debug, Clone)]
pub struct Config {
    /// `WORKER_CONCURRENCY`: how many jobs run at the same time.
    pub concurrency: usize,
    /// `ALLOW_PRIVATE_ADDRESSES`: whether services and webhooks may lie in a private network.
    pub allow_private_addresses: bool,
}

impl Config {
    /// Reads the settings and notes what is wrong with them.
    pub fn read(environment: &mut Environment) -> Self {
        let concurrency = environment.number("WORKER_CONCURRENCY", CONCURRENCY, 1..=10_000);
        environment.about("WORKER_CONCURRENCY", "how many jobs run at once; most wait for a slow host");
        let allow_private_addresses = environment.flag("ALLOW_PRIVATE_ADDRESSES", false);
        environment.about(
            "ALLOW_PRIVATE_ADDRESSES",
            "whether services and webhooks may lie in a private network; web has it too",
        );
        Self { concurrency, allow_private_addresses }
    }
}
