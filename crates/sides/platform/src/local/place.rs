//! The host of this machine as a [`Place`], over its control socket.

use std::{
    collections::BTreeMap,
    env, io,
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{task, time};

use super::{
    ProcessStatus, State, bundle,
    control::{self, Client, ControlError, Done, Failure, HOST_VARIABLE, Order, Status, What},
    logs,
};
use crate::place::{Abilities, Bundle, Ended, Instance, InstanceState, Place, PlaceError, Which, Why};
use crate::prober::Pairs;

/// A host that is being replaced is back well within this.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many hosts may die over one order before it is given up.
const SUCCESSORS: u32 = 3;
/// What a process gives itself by default, and what the host adds.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);
/// The most instances of one process that a host is asked to run: more than a machine of this kind carries.
pub const MOST_INSTANCES: u32 = 64;

/// The running `sides host` of a workspace.
#[derive(Debug, Clone)]
pub struct LocalHost {
    run_folder: PathBuf,
    name: String,
}

impl LocalHost {
    /// The host whose run folder (`.sides/run`) this is. It is asked only when something is wanted.
    #[must_use]
    pub fn of(run_folder: &Path) -> Self {
        Self { run_folder: run_folder.to_owned(), name: "the host".to_owned() }
    }

    /// The host that started this very process; `None` for one that was started otherwise.
    #[must_use]
    pub fn of_this_process() -> Option<Self> {
        env::var_os(HOST_VARIABLE)
            .filter(|folder| !folder.is_empty())
            .map(|folder| Self::of(Path::new(&folder)))
    }

    /// What it runs.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn status(&self) -> Result<Status, PlaceError> {
        // A successor is waited for before it is asked.
        drop(self.connect().await?);
        let status = control::status(&self.run_folder).await.map_err(|error| self.unreachable(&error))?;
        let status = status.ok_or_else(|| self.unreachable(&ControlError::WentAway))?;
        if status.is_host {
            return Ok(status);
        }
        Err(PlaceError::Refused { place: self.name.clone(), reason: control::IS_DEV.to_owned() })
    }

    async fn connect(&self) -> Result<Client, PlaceError> {
        let deadline = time::Instant::now() + PATIENCE;
        loop {
            match Client::connect(&self.run_folder).await {
                Ok(Some(client)) => return Ok(client),
                Err(error) => return Err(self.unreachable(&error)),
                // Between the death of a host and its successor.
                Ok(None) if time::Instant::now() < deadline => time::sleep(Duration::from_millis(50)).await,
                Ok(None) => {
                    let reason =
                        format!("no host is running in {}; `sides up` starts one", self.run_folder.display());
                    return Err(PlaceError::Unreachable { place: self.name.clone(), reason });
                }
            }
        }
    }

    async fn order(&self, what: What, why: &Why) -> Result<Done, PlaceError> {
        let place = self.name.clone();
        let order = Order { what, why: why.clone() };
        let answer = self.connect().await?.order(order).await.map_err(|error| self.unreachable(&error))?;
        answer.map_err(|failure| match failure {
            Failure::UnknownProcess(process) => PlaceError::UnknownProcess { place, process },
            Failure::Refused(reason) => PlaceError::Refused { place, reason },
            Failure::Busy(reason) => PlaceError::Busy { place, reason },
        })
    }

    /// An order that can be given twice. When the host dies over it, its successor is told.
    async fn insist(&self, what: What, why: &Why) -> Result<Done, PlaceError> {
        let mut successors = SUCCESSORS;
        loop {
            match self.order(what.clone(), why).await {
                Err(PlaceError::Unreachable { .. }) if successors > 0 => successors -= 1,
                other => return other,
            }
        }
    }

    fn unreachable(&self, error: &ControlError) -> PlaceError {
        PlaceError::Unreachable { place: self.name.clone(), reason: error.to_string() }
    }
}

#[async_trait]
impl Place for LocalHost {
    fn name(&self) -> &str {
        &self.name
    }

    fn abilities(&self, _process: &str) -> Abilities {
        Abilities {
            inherits_sockets: true,
            surges: true,
            gap: Duration::ZERO,
            drain_limit: DRAIN_LIMIT,
            most_instances: MOST_INSTANCES,
        }
    }

    async fn instances(&self, process: &str) -> Result<Vec<Instance>, PlaceError> {
        let status = self.status().await?;
        if !status.counts.contains_key(process) {
            let (place, process) = (self.name.clone(), process.to_owned());
            return Err(PlaceError::UnknownProcess { place, process });
        }
        let own = status
            .processes
            .iter()
            .filter(|instance| instance.name == process && instance.state != State::Stopped);
        Ok(own.map(instance).collect())
    }

    async fn offer(&self, process: &str, release: &str, bundle: &Bundle) -> Result<(), PlaceError> {
        let releases = self.run_folder.with_file_name("releases");
        let (process, release, bundle) = (process.to_owned(), release.to_owned(), bundle.clone());
        let kept = task::spawn_blocking(move || bundle::keep(&releases, &process, &release, &bundle)).await;
        kept.map_err(io::Error::other).flatten().map_err(|error| PlaceError::Refused {
            place: self.name.clone(),
            reason: format!("cannot store the release: {error}"),
        })
    }

    async fn put(&self, process: &str, release: &str, why: &Why) -> Result<(), PlaceError> {
        let what =
            What::Put { process: process.to_owned(), release: release.to_owned(), take_out_first: false };
        self.insist(what, why).await.map(drop)
    }

    async fn compare(
        &self,
        process: &str,
        release: &str,
        path: &str,
        why: &Why,
    ) -> Result<Option<Pairs>, PlaceError> {
        let what =
            What::Compare { process: process.to_owned(), release: release.to_owned(), path: path.to_owned() };
        match self.insist(what, why).await? {
            Done::Compared(pairs) => Ok(Some(pairs)),
            _ => Ok(None),
        }
    }

    async fn start_canary(&self, process: &str, release: &str, why: &Why) -> Result<(), PlaceError> {
        let what = What::Canary { process: process.to_owned(), release: release.to_owned() };
        self.insist(what, why).await.map(drop)
    }

    async fn end_canary(&self, process: &str, why: &Why) -> Result<(), PlaceError> {
        self.insist(What::EndCanary { process: process.to_owned() }, why).await.map(drop)
    }

    async fn take_out_and_put(&self, process: &str, release: &str, why: &Why) -> Result<(), PlaceError> {
        let what =
            What::Put { process: process.to_owned(), release: release.to_owned(), take_out_first: true };
        self.insist(what, why).await.map(drop)
    }

    async fn scale(&self, process: &str, count: u32, why: &Why) -> Result<(), PlaceError> {
        self.insist(What::Scale { process: process.to_owned(), count }, why).await.map(drop)
    }

    async fn restart(&self, process: &str, which: Which, why: &Why) -> Result<(), PlaceError> {
        self.order(What::Restart { process: process.to_owned(), which }, why).await.map(drop)
    }

    async fn run_once(&self, process: &str, command: &[String], why: &Why) -> Result<Ended, PlaceError> {
        let what = What::RunOnce { process: process.to_owned(), command: command.to_owned() };
        match self.order(what, why).await? {
            Done::Ended(ended) => Ok(ended),
            _ => Err(self.unreachable(&ControlError::WentAway)),
        }
    }

    async fn logs(&self, process: &str, lines: usize) -> Result<Vec<String>, PlaceError> {
        let lines = logs::last(&logs::folder_beside(&self.run_folder), process, lines).map_err(|error| {
            let reason = format!("cannot read its logs: {error}");
            PlaceError::Unreachable { place: self.name.clone(), reason }
        })?;
        Ok(lines.into_iter().map(|line| line.text).collect())
    }
}

fn instance(instance: &ProcessStatus) -> Instance {
    let details = [
        ("pid", instance.pid.map(|pid| pid.to_string())),
        ("ops_address", instance.ops_address.map(|address| address.to_string())),
        ("memory", instance.memory.map(|memory| memory.to_string())),
        ("restarts", Some(instance.restarts.to_string())),
    ];
    let details = details.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Instance {
        id: instance.id(),
        release: instance.release.clone().unwrap_or_default(),
        since: instance.started_at.unwrap_or(instance.since),
        state: match instance.state {
            State::Starting => InstanceState::Starting,
            State::Ready => InstanceState::Healthy,
            State::Unready => InstanceState::Unhealthy,
            State::Restarting => InstanceState::Crashed,
            State::Draining | State::Stopped => InstanceState::Draining,
        },
        reason: instance.reason.clone(),
        details: details.collect::<BTreeMap<_, _>>(),
    }
}
