//! What every request has at hand.

use database::{Pool, PooledConnection};
use process::Process;

use crate::{config::Config, fault::Fault, session::Key};

/// Shared by all threads that answer requests.
pub(crate) struct Site {
    pool: Pool,
    /// Signs people in; without it nobody can be.
    pub(crate) key: Option<Key>,
    /// Whether services and webhooks may lie in a private network.
    pub(crate) allow_private_addresses: bool,
    /// The build that answers.
    pub(crate) release: String,
}

impl Site {
    pub(crate) fn new(process: &Process, config: &Config) -> Self {
        Self {
            pool: process.pool.clone(),
            key: config.admin_token.as_ref().map(Key::of),
            allow_private_addresses: config.allow_private_addresses,
            release: process.release.clone(),
        }
    }

    /// A database connection for this request.
    pub(crate) async fn connection(&self) -> Result<PooledConnection, Fault> {
        self.pool.get().await.map_err(Fault::Away)
    }

    /// Who did what, as jobs remember it.
    pub(crate) fn enqueuer(&self) -> String {
        format!("web@{}", self.release)
    }
}
