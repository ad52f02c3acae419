//! What is said over the socket: one request line, answer lines, all JSON.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use chrono::{DateTime, Utc};
use platform::local::{ProcessStatus, State};
use serde::{Deserialize, Serialize};

/// What a client may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// One status.
    Status,
    /// A status now and after every change, until the end.
    Watch,
    /// One status; then everything is stopped, and the connection closes when that is done.
    Stop,
    /// One status, and an [`Answer`] when it is done: a host replaces a process.
    Roll(Roll),
}

/// Which process a host is to replace, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Roll {
    /// Its name.
    pub(crate) process: String,
    /// The digest of a kept release; without one, the release that runs is started afresh.
    pub(crate) digest: Option<String>,
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Why nothing was changed; none when it was done.
    pub(crate) error: Option<String>,
}

/// Everything there is to say about a `dev`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DevStatus {
    pub(crate) pid: u32,
    pub(crate) phase: Phase,
    pub(crate) started_at: DateTime<Utc>,
    /// The page, once its port is known.
    pub(crate) address: Option<String>,
    pub(crate) admin_token_file: Option<PathBuf>,
    pub(crate) postgres: PostgresStatus,
    pub(crate) processes: Vec<ProcessStatus>,
    /// Whether this is a host, which takes releases, and not a `dev`.
    #[serde(default)]
    pub(crate) is_host: bool,
    /// The digests of what a host runs, by process.
    #[serde(default)]
    pub(crate) releases: BTreeMap<String, String>,
}

/// What a `dev` is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Build, Postgres, migrations.
    Preparing,
    /// The processes are kept running.
    Running,
    /// Everything is being stopped.
    Stopping,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PostgresStatus {
    pub(crate) state: PostgresState,
    /// Which one: never with a password.
    pub(crate) description: Option<String>,
    /// Why it does not answer.
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PostgresState {
    Starting,
    Ready,
    Away,
}

impl DevStatus {
    pub(crate) fn new() -> Self {
        Self {
            pid: std::process::id(),
            phase: Phase::Preparing,
            started_at: Utc::now(),
            address: None,
            admin_token_file: None,
            postgres: PostgresStatus { state: PostgresState::Starting, description: None, reason: None },
            processes: Vec::new(),
            is_host: false,
            releases: BTreeMap::new(),
        }
    }

    pub(crate) fn of_host(page: SocketAddr) -> Self {
        Self { is_host: true, address: Some(format!("http://{page}")), ..Self::new() }
    }

    /// Whether there is something to answer and all of it did, at its last ping.
    pub(crate) fn all_answer(&self) -> bool {
        self.phase == Phase::Running
            && self.postgres.state == PostgresState::Ready
            && !self.processes.is_empty()
            && self.processes.iter().all(|process| process.state == State::Ready)
    }
}
