//! The interface between what should run and whatever runs it.
//!
//! A [`Place`] runs processes: this machine's host, a Heroku app per process. Commands, the clock and releases speak
//! to it through this trait alone, so a process can move from one to another. A place says in advance what it cannot do
//! ([`Abilities`]), and a plan shows it before anything is touched.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::prober::Pairs;

/// Somewhere processes run.
///
/// Every order is idempotent: asked for again after a lost answer, it ends in the same state. An order answers when
/// its effect can be seen, not when it was accepted.
#[async_trait]
pub trait Place: Send + Sync {
    /// The name people gave it.
    fn name(&self) -> &str;

    /// What it can do for a process.
    fn abilities(&self, process: &str) -> Abilities;

    /// For how long what [`instances`](Place::instances) answered is worth no second question: a place far away counts
    /// them. What is about to change something asks anyway.
    fn holds_for(&self) -> Duration {
        Duration::ZERO
    }

    /// The instances of a process, those that start and those that leave included.
    ///
    /// # Errors
    /// When the place does not answer or does not know the process.
    async fn instances(&self, process: &str) -> Result<Vec<Instance>, PlaceError>;

    /// Gives the place the bytes of a release, so that [`put`](Place::put) can start it. What it has already costs
    /// nothing, and nothing that runs is touched.
    ///
    /// # Errors
    /// When a file cannot be read, or the place has no room or does not answer.
    async fn offer(&self, process: &str, release: &str, bundle: &Bundle) -> Result<(), PlaceError>;

    /// Replaces what runs of a process with a release that the place was [offered](Place::offer): new instances up and ready first
    /// where it [surges](Abilities::surges), then the old ones drain. A process that does not run yet is started.
    ///
    /// # Errors
    /// [`PlaceError::Refused`] when the new release never got ready: the old instances go on then.
    async fn put(&self, process: &str, release: &str, why: &Why) -> Result<(), PlaceError>;

    /// Asks a release that was [offered](Place::offer) and the one that runs for `path` in turn, before any visitor reaches
    /// the new one. Nothing that runs is touched. `None` where a place cannot, or where nothing serves.
    ///
    /// # Errors
    /// [`PlaceError::Refused`] when the new release never got ready.
    async fn compare(
        &self,
        _process: &str,
        _release: &str,
        _path: &str,
        _why: &Why,
    ) -> Result<Option<Pairs>, PlaceError> {
        Ok(None)
    }

    /// Starts one instance of a release that was [offered](Place::offer) beside those that run, where visitors and jobs reach
    /// it as they reach the others. [`put`](Place::put) of the same release goes on with it; of another one ends it.
    ///
    /// # Errors
    /// [`PlaceError::Refused`] when it never got ready, when nothing runs beside it, or where a place cannot.
    async fn start_canary(&self, process: &str, _release: &str, _why: &Why) -> Result<(), PlaceError> {
        let reason = format!("it cannot run one instance of {process} in another release than the others");
        Err(PlaceError::Refused { place: self.name().to_owned(), reason })
    }

    /// Ends the canary of a process, if there is one, and no other instance.
    ///
    /// # Errors
    /// When the place does not answer.
    async fn end_canary(&self, _process: &str, _why: &Why) -> Result<(), PlaceError> {
        Ok(())
    }

    /// Puts a release in the place of one that is known to be wrong: where the place can, that one leaves first, so that
    /// it answers nobody else while the other one starts. Otherwise as [`put`](Place::put).
    ///
    /// # Errors
    /// [`PlaceError::Refused`] when the release is not ready in time; it is started again and again then.
    async fn take_out_and_put(&self, process: &str, release: &str, why: &Why) -> Result<(), PlaceError> {
        self.put(process, release, why).await
    }

    /// Sets the number of instances of the release that runs. Going down takes idle instances first and drains them.
    ///
    /// # Errors
    /// When the place does not allow that many.
    async fn scale(&self, process: &str, count: u32, why: &Why) -> Result<(), PlaceError>;

    /// Restarts instances, one at a time: a new one up and ready, then the old one drains.
    ///
    /// # Errors
    /// When a new instance never got ready: the old one goes on then.
    async fn restart(&self, process: &str, which: Which, why: &Why) -> Result<(), PlaceError>;

    /// Runs a command of a process' release to its end, as a migration.
    ///
    /// # Errors
    /// When it could not be run; a command that ran and failed is a [`Ended`].
    async fn run_once(&self, process: &str, command: &[String], why: &Why) -> Result<Ended, PlaceError>;

    /// Where visitors reach a process, as `https://acme-web.herokuapp.com`; none when it has no visitors, or the place does
    /// not know.
    ///
    /// # Errors
    /// When the place does not answer or does not know the process.
    async fn public_address(&self, _process: &str) -> Result<Option<String>, PlaceError> {
        Ok(None)
    }

    /// The last lines that a process printed, oldest first.
    ///
    /// # Errors
    /// When the place does not answer or keeps no logs.
    async fn logs(&self, process: &str, lines: usize) -> Result<Vec<String>, PlaceError>;
}

/// What a release is made of: everything its instances need beside their configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The command that starts an instance, in the folder with the files: `./web`.
    pub command: String,
    /// Programs and assets.
    pub files: Vec<BundleFile>,
}

/// How an instance is told which release it is (`RELEASE`): as much of the name as people compare.
///
/// Every place tells it alike, as instances are looked for by it in the database that they share.
#[must_use]
pub fn told(release: &str) -> &str {
    release.get(..12).unwrap_or(release)
}

/// One file of a [`Bundle`]. It can be executed where it is used if it can be where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleFile {
    /// Its path in the bundle, relative: `web`, `assets/site.css`.
    pub name: String,
    /// Where it lies now.
    pub source: PathBuf,
}

/// What a place can and cannot do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    /// The listening socket outlives every instance, so no connection is refused while they change.
    pub inherits_sockets: bool,
    /// A new instance is up before the old one leaves.
    pub surges: bool,
    /// How long nobody may answer while instances change; zero where nobody notices.
    pub gap: Duration,
    /// How long an instance that was asked to leave may take.
    pub drain_limit: Duration,
    /// The most instances of this process.
    #[serde(alias = "most_copies")]
    pub most_instances: u32,
}

/// An instance of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// How the place calls it.
    pub id: String,
    /// The release it runs, as given to [`Place::put`].
    pub release: String,
    /// Since when it runs.
    pub since: DateTime<Utc>,
    /// Where it is in its life.
    pub state: InstanceState,
    /// Why it does not serve.
    pub reason: Option<String>,
    /// What else the place says of it: a process id, an address.
    pub details: BTreeMap<String, String>,
}

/// Where an instance is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    /// It was started and has not answered yet.
    Starting,
    /// It answers.
    Healthy,
    /// It runs and does not answer, or says that it is not ready.
    Unhealthy,
    /// It died and will be started again.
    Crashed,
    /// It was asked to leave.
    Draining,
}

/// Which instances an order is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Every one, one after the other.
    All,
    /// The one with this [`Instance::id`].
    One(String),
}

/// Who asked for something, and why: it ends up in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// A person, `clock <instance>`, `release 12`.
    pub asked_by: String,
    /// In words.
    pub reason: String,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it printed, as far as the place kept it.
    pub output: String,
}

/// Why an order was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The place knows of no such process.
    #[error("{place} runs no process {process:?}")]
    UnknownProcess {
        /// The place's name.
        place: String,
        /// The process that was asked for.
        process: String,
    },
    /// It was understood and not done; nothing has changed.
    #[error("{place} refused: {reason}")]
    Refused {
        /// The place's name.
        place: String,
        /// Why, and what to do.
        reason: String,
    },
    /// It was understood and not done, and can be done later; nothing has changed.
    #[error("{place} refused: {reason}; again in {} s", again_in.as_secs() + 1)]
    TooEarly {
        /// The place's name.
        place: String,
        /// Why not yet.
        reason: String,
        /// When it can be done.
        again_in: Duration,
    },
    /// The place did not answer, or not in time: the order may have been carried out. Ask what runs.
    #[error("{place} does not answer: {reason}; it is not known what it did, so look at what is running")]
    Unreachable {
        /// The place's name.
        place: String,
        /// What was tried.
        reason: String,
    },
    /// Someone else is changing the same process.
    #[error("{place} is busy: {reason}")]
    Busy {
        /// The place's name.
        place: String,
        /// With what.
        reason: String,
    },
}
