//! How each process is started; its release is added later.

use std::{
    env,
    net::{IpAddr, Ipv4Addr, TcpListener},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use platform::{
    local::{Launch, control::HOST_VARIABLE},
    procfile::{self, Procfile},
};

use super::Options;
use workspace::{HEROKU_KEY, Workspace, targets};

/// The process with the public address.
pub(super) const WEB: &str = "web";

/// The process that restarts and scales the others.
const CLOCK: &str = "clock";

/// `DRAIN_SECONDS`, which the processes inherit.
pub(super) fn drain_seconds() -> anyhow::Result<Duration> {
    let text = env::var("DRAIN_SECONDS").unwrap_or_default();
    let seconds = if text.trim().is_empty() { Ok(25) } else { text.trim().parse() };
    Ok(Duration::from_secs(seconds.context("DRAIN_SECONDS is not a number of seconds")?))
}

/// One launch for each Procfile. Everything else they need is in our environment, which they inherit.
pub(super) struct Launches {
    workspace: Workspace,
    listener: Arc<TcpListener>,
    options: Options,
    all: Vec<Launch>,
}

impl Launches {
    /// Those of the workspace's Procfiles.
    pub(super) fn read(
        workspace: &Workspace,
        listener: &Arc<TcpListener>,
        options: &Options,
    ) -> anyhow::Result<Self> {
        let (listener, options) = (Arc::clone(listener), options.clone());
        let mut launches = Self { workspace: workspace.clone(), listener, options, all: Vec::new() };
        for procfile in procfile::discover(workspace.root())? {
            launches.all.push(launches.launch(procfile)?);
        }
        Ok(launches)
    }

    pub(super) fn all(&self) -> &[Launch] {
        &self.all
    }

    pub(super) fn of(&self, process: &str) -> Option<&Launch> {
        self.all.iter().find(|launch| launch.procfile.name == process)
    }

    /// Whether there is such a process. One whose Procfile was written after the host began is taken in: what it runs is
    /// then released like everything else.
    pub(super) fn learn(&mut self, process: &str) -> anyhow::Result<bool> {
        if self.of(process).is_some() {
            return Ok(true);
        }
        let procfiles = procfile::discover(self.workspace.root())?;
        let Some(procfile) = procfiles.into_iter().find(|procfile| procfile.name == process) else {
            return Ok(false);
        };
        self.all.push(self.launch(procfile)?);
        Ok(true)
    }

    fn launch(&self, procfile: Procfile) -> anyhow::Result<Launch> {
        let Self { workspace, listener, options, .. } = self;
        let is_web = procfile.name == WEB;
        let mut launch = Launch {
            folder: workspace.root().to_owned(),
            path: env::var_os("PATH").unwrap_or_default(),
            // The clock is a child too: it restarts and scales through this door.
            environment: vec![(HOST_VARIABLE.to_owned(), workspace.run_folder().into())],
            listener: is_web.then(|| Arc::clone(listener)),
            release: None,
            memory_limit: memory_limit(&procfile.name)?,
            page: is_web.then(|| listener.local_addr().ok()).flatten(),
            ops_host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ops_port: ops_port(&procfile.name, options.port),
            procfile,
        };
        if launch.procfile.name == CLOCK {
            let told = told_to_the_clock(workspace);
            launch.environment.extend(told.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        } else if env::var_os(HEROKU_KEY).is_some() {
            // Empty counts as unset: nobody else has to do with every app of the account.
            launch.environment.push((HEROKU_KEY.to_owned(), "".into()));
        }
        if is_web {
            launch.environment.push(("HOST".to_owned(), options.host.to_string().into()));
            launch.environment.push(("PORT".to_owned(), options.port.to_string().into()));
        }
        Ok(launch)
    }
}

/// What a clock is told of the processes at Heroku, unless a person has. Without a key it could not reach them and would
/// not start, so it is told nothing then; what is wrong with the targets says whoever releases.
fn told_to_the_clock(workspace: &Workspace) -> Vec<(&'static str, String)> {
    let is_set = |name| env::var(name).is_ok_and(|value| !value.trim().is_empty());
    let targets = targets(workspace).ok().filter(|_| is_set(HEROKU_KEY) && !is_set("HEROKU_APPS"));
    targets.map(|targets| targets.told_to_the_clock()).unwrap_or_default()
}

/// `WORKER_MEMORY_MB` and its like, in bytes.
fn memory_limit(process: &str) -> anyhow::Result<Option<u64>> {
    let name = format!("{}_MEMORY_MB", process.to_ascii_uppercase().replace('-', "_"));
    let text = env::var(&name).unwrap_or_default();
    if text.trim().is_empty() {
        return Ok(None);
    }
    let megabytes: u64 = text.trim().parse().ok().filter(|megabytes| *megabytes > 0).with_context(|| {
        format!("{name} is {text:?}: give a number of megabytes, or unset it for no limit")
    })?;
    Ok(Some(megabytes << 20))
}

/// Behind web's port, as each process has it by itself; any free one for others, and when any will do for web.
fn ops_port(process: &str, page_port: u16) -> u16 {
    let behind = match process {
        _ if page_port == 0 => return 0,
        WEB => 1,
        "worker" => 2,
        "clock" => 3,
        _ => return 0,
    };
    page_port.checked_add(behind).unwrap_or(0)
}
