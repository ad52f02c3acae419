//! The state of this instance, shared by the ops server, the heartbeat and the process itself.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{Drain, Health, loops::Loops, pulse::Pulse};

/// The state of one instance. Clones of the [`Arc`] it lives in are handed around.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) process: &'static str,
    pub(crate) release: String,
    pub(crate) instance: Uuid,
    pub(crate) host: String,
    pub(crate) pid: u32,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) ops_address: SocketAddr,
    pub(crate) public_address: Mutex<Option<String>>,
    pub(crate) public_address_changed: Notify,
    pub(crate) drain: Drain,
    pub(crate) health: Health,
    pub(crate) loops: Loops,
    pub(crate) pulse: Pulse,
    pub(crate) metrics: prometheus::Registry,
    /// How many tasks it is busy with, when it says so.
    pub(crate) busy: OnceLock<Busy>,
}

/// Asks the work itself.
pub(crate) struct Busy(pub(crate) Box<dyn Fn() -> usize + Send + Sync>);

impl std::fmt::Debug for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", (self.0)())
    }
}

impl Status {
    pub(crate) fn new(
        process: &'static str,
        release: String,
        host: String,
        ops_address: SocketAddr,
    ) -> Arc<Self> {
        Arc::new(Self {
            process,
            release,
            instance: Uuid::now_v7(),
            host,
            pid: std::process::id(),
            started_at: Utc::now(),
            ops_address,
            public_address: Mutex::default(),
            public_address_changed: Notify::new(),
            drain: Drain::new(),
            health: Health::default(),
            loops: Loops::default(),
            pulse: Pulse::new(),
            metrics: prometheus::Registry::new(),
            busy: OnceLock::new(),
        })
    }

    /// `starting` until every check passes (and again while one does not), `ready`, or `draining`.
    pub(crate) fn state(&self) -> &'static str {
        if self.drain.is_started() {
            "draining"
        } else if self.health.is_ready() {
            "ready"
        } else {
            "starting"
        }
    }

    /// Why a liveness probe is to be answered with no.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = self.loops.failures();
        let silent = self.pulse.age();
        if silent > Pulse::LIMIT {
            faults.push(format!("the runtime has run no task for {} s", silent.as_secs()));
        }
        faults
    }

    pub(crate) fn public_address(&self) -> Option<String> {
        self.public_address.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until something changed that the instance's row should say at once.
    pub(crate) async fn changed(&self) {
        tokio::select! {
            () = self.health.changed() => {}
            () = self.public_address_changed.notified() => {}
        }
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        json!({
            "process": self.process,
            "release": self.release,
            "instance": self.instance,
            "host": self.host,
            "pid": self.pid,
            "state": self.state(),
            "started_at": self.started_at,
            "uptime_seconds": (Utc::now() - self.started_at).num_seconds(),
            "ops_address": self.ops_address.to_string(),
            "public_address": self.public_address(),
            "checks": self.health.checks(),
            "loops": self.loops.list(),
            "busy": self.busy.get().map(|busy| (busy.0)()),
        })
    }
}
