//! The protocol of the socket: one request line, answer lines, all JSON.

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    local::{ProcessStatus, State},
    place::{Ended, Which, Why},
    prober::Pairs,
};

/// What a client may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// One status.
    Status,
    /// A status now and after every change, until the end.
    Watch,
    /// One status; then everything is stopped, and the connection closes when that is done.
    Stop,
    /// One `Result<Done, Failure>`, when the order was carried out or refused.
    Order(Order),
}

/// What is to be done, and who wants it why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What.
    pub what: What,
    /// Who and why; it ends up in the ledger.
    pub why: Why,
}

/// What a host can be told to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Replace what runs of a process by a kept release.
    Put {
        /// The process.
        process: String,
        /// The digest.
        release: String,
        /// Whether what runs is known to be wrong, and leaves before anything else is done.
        #[serde(default)]
        take_out_first: bool,
    },
    /// Start one instance of a kept release that no visitor reaches, and ask it and those that serve in turn.
    Compare {
        /// The process.
        process: String,
        /// The digest.
        release: String,
        /// What to ask for, such as `/`.
        path: String,
    },
    /// Start one instance of a kept release beside those that run, where visitors and jobs reach it as they reach the others.
    Canary {
        /// The process.
        process: String,
        /// The digest.
        release: String,
    },
    /// End exactly that instance.
    EndCanary {
        /// The process.
        process: String,
    },
    /// Set the number of instances.
    Scale {
        /// The process.
        process: String,
        /// How many.
        count: u32,
    },
    /// Start instances afresh.
    Restart {
        /// The process.
        process: String,
        /// Which instances.
        which: Which,
    },
    /// Run a command of a release to its end.
    RunOnce {
        /// The process whose release and environment it gets.
        process: String,
        /// The program and its arguments.
        command: Vec<String>,
    },
    /// Let another build of the host take this one's place, in the same process, with all that runs.
    Replace {
        /// The program.
        program: PathBuf,
    },
}

/// What happened to an order that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// It was done.
    Done,
    /// A command has ended.
    Ended(Ended),
    /// Two releases were asked in turn.
    Compared(Pairs),
}

/// Why an order was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// No process of this name.
    #[error("there is no process {0:?} here")]
    UnknownProcess(String),
    /// Nothing was changed, and why.
    #[error("{0}")]
    Refused(String),
    /// Somebody else's order is being carried out.
    #[error("{0}")]
    Busy(String),
}

/// Everything there is to say about a `dev` or a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its process id.
    pub pid: u32,
    /// What it is busy with.
    pub phase: Phase,
    /// Since when it runs.
    pub started_at: DateTime<Utc>,
    /// The page, once its port is known.
    pub address: Option<String>,
    /// Where the secret to sign in with lies, when this workspace has one of its own.
    pub admin_token_file: Option<PathBuf>,
    /// The database.
    pub postgres: PostgresStatus,
    /// Every instance of every process.
    pub processes: Vec<ProcessStatus>,
    /// Whether this is a host, which takes orders, and not a `dev`.
    #[serde(default)]
    pub is_host: bool,
    /// The digests of what a host runs, by process.
    #[serde(default)]
    pub releases: BTreeMap<String, String>,
    /// How many instances a host wants, by process.
    #[serde(default)]
    pub counts: BTreeMap<String, u32>,
    /// The digests of the canaries of a host, by process.
    #[serde(default)]
    pub canaries: BTreeMap<String, String>,
    /// The order that is being carried out, in words.
    #[serde(default)]
    pub busy_with: Option<String>,
    /// The last instances that a host had to kill because they did not end when asked to.
    #[serde(default)]
    pub killed: Vec<Killed>,
}

/// An instance that did not end when it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Killed {
    /// Its process.
    pub process: String,
    /// Its name: `worker.3`.
    #[serde(rename = "copy", alias = "instance")]
    pub instance: String,
    /// When it was killed.
    pub at: DateTime<Utc>,
    /// How long it was waited for.
    pub after_seconds: u64,
}

/// What a `dev` or host is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Build, Postgres, migrations.
    Preparing,
    /// The processes are kept running.
    Running,
    /// Everything is being stopped.
    Stopping,
}

/// Whether the database answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostgresStatus {
    /// Whether it answers.
    pub state: PostgresState,
    /// Which one: never with a password.
    pub description: Option<String>,
    /// Why it does not answer.
    pub reason: Option<String>,
}

/// Whether the database answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostgresState {
    /// It was not asked yet.
    Starting,
    /// It answers.
    Ready,
    /// It does not answer.
    Away,
}

impl Default for Status {
    fn default() -> Self {
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
            counts: BTreeMap::new(),
            canaries: BTreeMap::new(),
            busy_with: None,
            killed: Vec::new(),
        }
    }
}

impl Status {
    /// The release of a process that has instances here; none when it has none, or was never released.
    #[must_use]
    pub fn release_of(&self, process: &str) -> Option<&str> {
        let has_instances = self.processes.iter().any(|instance| instance.name == process);
        self.releases.get(process).map(String::as_str).filter(|_| has_instances)
    }

    /// That of a host whose page is there.
    #[must_use]
    pub fn of_host(page: SocketAddr) -> Self {
        Self { is_host: true, address: Some(format!("http://{page}")), ..Self::default() }
    }

    /// Whether there is something to answer and all of it did, at its last ping. An instance that was asked to end is
    /// not missed once another one of its process answers.
    #[must_use]
    pub fn all_answer(&self) -> bool {
        self.phase == Phase::Running
            && self.postgres.state == PostgresState::Ready
            && !self.processes.is_empty()
            && self.processes.iter().all(|process| process.state == State::Ready || self.is_followed(process))
    }

    /// Whether an instance of this build is there.
    #[must_use]
    pub fn runs(&self, release: &str) -> bool {
        self.processes.iter().any(|process| process.release.as_deref() == Some(release))
    }

    fn is_followed(&self, leaving: &ProcessStatus) -> bool {
        let follows = |other: &ProcessStatus| other.name == leaving.name && other.state == State::Ready;
        leaving.state == State::Draining && self.processes.iter().any(follows)
    }
}

impl What {
    /// The process that it is about, when it is about one.
    #[must_use]
    pub fn process(&self) -> Option<&str> {
        match self {
            Self::Put { process, .. }
            | Self::Compare { process, .. }
            | Self::Canary { process, .. }
            | Self::EndCanary { process }
            | Self::Scale { process, .. }
            | Self::Restart { process, .. }
            | Self::RunOnce { process, .. } => Some(process),
            Self::Replace { .. } => None,
        }
    }
}

/// As people say it.
impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { process, release, .. } => {
                write!(f, "replace {process} by {}", release.get(..12).unwrap_or(release))
            }
            Self::Compare { process, release, .. } => {
                write!(f, "try {} beside {process}", release.get(..12).unwrap_or(release))
            }
            Self::Canary { process, release } => {
                write!(f, "start a canary of {process}, {}", release.get(..12).unwrap_or(release))
            }
            Self::EndCanary { process } => write!(f, "end the canary of {process}"),
            Self::Scale { process, count } => write!(f, "scale {process} to {count}"),
            Self::Restart { process, which: Which::All } => write!(f, "restart {process}"),
            Self::Restart { which: Which::One(instance), .. } => write!(f, "restart {instance}"),
            Self::RunOnce { command, .. } => write!(f, "run {}", command.first().map_or("", String::as_str)),
            Self::Replace { .. } => f.write_str("replace the host"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(name: &str, state: State) -> ProcessStatus {
        let status = serde_json::json!({
            "name": name, "copy": 1, "state": state, "since": "2026-01-01T00:00:00Z", "pid": null,
            "ops_address": null, "restarts": 0, "reason": null,
        });
        serde_json::from_value(status).unwrap()
    }

    fn all_answer(processes: &[(&str, State)]) -> bool {
        let mut status = Status { phase: Phase::Running, ..Status::default() };
        status.postgres.state = PostgresState::Ready;
        status.processes = processes.iter().map(|(name, state)| instance(name, *state)).collect();
        status.all_answer()
    }

    #[test]
    fn who_leaves_is_not_missed_when_another_of_its_process_answers() {
        let worker = ("worker", State::Ready);
        assert!(all_answer(&[worker, ("web", State::Ready)]));
        assert!(all_answer(&[worker, ("web", State::Ready), ("web", State::Draining)]));
        assert!(!all_answer(&[worker, ("web", State::Draining)]));
        assert!(!all_answer(&[worker, ("web", State::Starting), ("web", State::Draining)]));
        assert!(!all_answer(&[worker, ("web", State::Ready), ("web", State::Unready)]));
        assert!(!all_answer(&[]));
    }
}
