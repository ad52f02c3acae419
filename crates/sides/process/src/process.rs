//! What a running process has.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use database::{DatabaseUrl, Pool};
use uuid::Uuid;

use crate::{
    Drain, Health,
    status::{Busy, Status},
};

/// Handed to the process' work by [`crate::Definition::run`]. Cheap to clone.
#[derive(Clone)]
pub struct Process {
    /// `web`, `worker`, `clock` …
    pub name: &'static str,
    /// This instance: a new id at each start.
    pub instance: Uuid,
    /// The build that runs.
    pub release: String,
    /// The database's address, with the role that this process acts as.
    pub database: DatabaseUrl,
    /// Connections to it.
    pub pool: Pool,
    /// The request to stop.
    pub drain: Drain,
    /// What must be well for the process to be ready.
    pub health: Health,
    /// What `/metrics` shows; register your own here.
    pub metrics: prometheus::Registry,
    /// How long running work may take once the drain has started.
    pub drain_limit: Duration,
    pub(crate) status: Arc<Status>,
}

impl Process {
    /// The public address of this process, such as `127.0.0.1:3000`: shown in `sides.instances`.
    pub fn set_public_address(&self, address: impl Into<String>) {
        let address = address.into();
        *self.status.public_address.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
        self.status.public_address_changed.notify_one();
    }

    /// Says where to ask how many tasks this instance is busy with: the idle ones leave first. Said once.
    pub fn set_busy(&self, busy: impl Fn() -> usize + Send + Sync + 'static) {
        if self.status.busy.set(Busy(Box::new(busy))).is_err() {
            tracing::warn!("the source of busy tasks is already set");
        }
    }

    /// Runs a task that must not end before the drain has started. If it ends, fails or panics before, the
    /// process is not live any more, drains, and exits with 1. The process waits for it when it stops.
    pub fn spawn_loop<F>(&self, name: &'static str, work: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.status.loops.spawn(name, self.drain.clone(), work);
    }
}
