//! What the worker reads from its environment.

use process::Environment;

/// The worker's own settings, each named by its variable.
#[derive(Debug, Clone)]
pub struct Config {
    /// `WORKER_CONCURRENCY`: how many jobs run at the same time. Most of them wait for a slow host.
    pub concurrency: usize,
    /// `ALLOW_PRIVATE_ADDRESSES`: whether services and webhooks may lie in a private network.
    pub allow_private_addresses: bool,
}

impl Config {
    /// Reads the settings and notes what is wrong with them.
    pub fn read(environment: &mut Environment) -> Self {
        Self {
            concurrency: environment.number("WORKER_CONCURRENCY", 64, 1..=1000),
            allow_private_addresses: environment.flag("ALLOW_PRIVATE_ADDRESSES", false),
        }
    }
}
