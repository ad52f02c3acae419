//! What is said over the socket: one request line, answer lines, all JSON.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use platform::local::{ProcessStatus, State};
use serde::{Deserialize, Serialize};

/// What a client may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// One status.
    Status,
    /// A status now and after every change, until the end.
    Watch,
    /// One status; then everything is stopped, and the connection closes when that is done.
    Stop,
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
        }
    }

    /// Whether there is something to answer and all of it did, at its last ping.
    pub(crate) fn all_answer(&self) -> bool {
        self.phase == Phase::Running
            && self.postgres.state == PostgresState::Ready
            && !self.processes.is_empty()
            && self.processes.iter().all(|process| process.state == State::Ready)
    }
}
