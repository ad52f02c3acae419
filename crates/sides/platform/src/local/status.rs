//! The state of a process, and its latest event.

use std::{net::SocketAddr, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    exit::Exit,
    restart::{Restart, is_crash_loop},
};

/// Where a process is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It was started and has not answered yet.
    Starting,
    /// It answered its last ping.
    Ready,
    /// It was ready and does not answer any more, or says that it is not ready.
    Unready,
    /// It died and will be started again after a pause.
    Restarting,
    /// It was asked to end.
    Draining,
    /// It ended and stays so.
    Stopped,
}

/// One process at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessStatus {
    /// `web`, `worker`, `clock` …
    pub name: String,
    /// Tells instances apart, also while one follows the other. No number is given twice.
    #[serde(rename = "copy", alias = "instance")]
    pub instance: u64,
    /// The release that it runs, when it has one.
    #[serde(default)]
    pub release: Option<String>,
    /// Where it is in its life.
    pub state: State,
    /// Since when it is in this state.
    pub since: DateTime<Utc>,
    /// Since when its program runs; none before the first start.
    #[serde(default)]
    pub started_at: Option<DateTime<Utc>>,
    /// The process id of the running instance.
    pub pid: Option<u32>,
    /// Where its `/readyz`, `/status` and `/metrics` answer.
    pub ops_address: Option<SocketAddr>,
    /// The memory that it takes, in bytes, measured every few seconds.
    #[serde(default)]
    pub memory: Option<u64>,
    /// How often it was started again.
    pub restarts: u32,
    /// How often it died in a row without having run for long.
    #[serde(default)]
    pub deaths: u32,
    /// Why it is not ready.
    pub reason: Option<String>,
}

impl ProcessStatus {
    /// Whether it does not stay up: this is worth a person's look.
    #[must_use]
    pub fn is_crash_loop(&self) -> bool {
        self.state != State::Ready && is_crash_loop(self.deaths)
    }

    /// How people and other programs call this instance: `worker.3`.
    #[must_use]
    pub fn id(&self) -> String {
        instance_id(&self.name, self.instance)
    }
}

/// The name of an instance.
pub(super) fn instance_id(process: &str, instance: u64) -> String {
    format!("{process}.{instance}")
}

/// Something that a person may want to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The name of the process.
    pub process: String,
    /// What happened to it.
    pub happening: Happening,
}

/// What happened to a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// An instance runs.
    Started {
        /// Its process id.
        pid: u32,
        /// Where it will answer.
        ops_address: SocketAddr,
    },
    /// It takes long to become ready, for this reason.
    Waits(String),
    /// It answers.
    Ready {
        /// How long that took, from its start or from when it stopped answering.
        after: Duration,
    },
    /// It does not answer any more, for this reason.
    Unready(String),
    /// It takes more memory than it may; it is followed by a new instance, or killed.
    Heavy {
        /// What it takes, in bytes.
        bytes: u64,
        /// What it may take.
        limit: u64,
        /// Whether it was killed.
        killed: bool,
    },
    /// It could not be started.
    NotStarted(String, Restart),
    /// It ended without being asked to.
    Died(Exit, Restart),
    /// It was asked to end.
    Draining,
    /// It did not end in time and was killed.
    Killed {
        /// How people call this instance.
        instance: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// It ended as asked.
    Stopped,
}
