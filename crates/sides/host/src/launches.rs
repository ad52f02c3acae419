//! How each process is started; its release is added later.

use std::{
    env,
    ffi::OsString,
    net::{IpAddr, Ipv4Addr, TcpListener},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use manifest::Role;
use platform::{
    local::{Launch, control::HOST_VARIABLE},
    procfile::{self, Procfile},
};

use super::{Options, manifests::Manifests};
use workspace::{HEROKU_KEY, Workspace, releases::Digest, targets};

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
    pub(super) manifests: Manifests,
}

impl Launches {
    /// Those of the workspace's Procfiles.
    pub(super) fn read(
        workspace: &Workspace,
        listener: &Arc<TcpListener>,
        options: &Options,
    ) -> anyhow::Result<Self> {
        let (listener, options) = (Arc::clone(listener), options.clone());
        let mut launches = Self {
            workspace: workspace.clone(),
            listener,
            options,
            all: Vec::new(),
            manifests: Manifests::default(),
        };
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
        let workspace = &self.workspace;
        Ok(Launch {
            folder: workspace.root().to_owned(),
            path: env::var_os("PATH").unwrap_or_default(),
            // Who looks after the fleet is a child too: it restarts and scales through this socket.
            environment: vec![(HOST_VARIABLE.to_owned(), workspace.run_folder().into())],
            listener: None,
            release: None,
            memory_limit: memory_limit(&procfile.name)?,
            page: None,
            ops_host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ops_port: 0,
            procfile,
        })
    }

    /// Gives a launch of a build what the build is there for: the public socket, an ops port, the way to Heroku.
    pub(super) fn equip(&self, launch: &mut Launch, digest: &Digest) {
        let Self { workspace, listener, options, manifests, .. } = self;
        let mut set = |name: &str, value: OsString| launch.environment.push((name.to_owned(), value));
        if manifests.has_role(&launch.procfile.name, digest, Role::Fires) {
            told_to_the_controller(workspace).into_iter().for_each(|(name, value)| set(name, value.into()));
        } else if env::var_os(HEROKU_KEY).is_some() {
            // Empty counts as unset: nobody else has to do with every app of the account.
            set(HEROKU_KEY, "".into());
        }
        if manifests.is_public(&launch.procfile.name, digest) {
            set("HOST", options.host.to_string().into());
            set("PORT", options.port.to_string().into());
            launch.listener = Some(Arc::clone(listener));
            launch.page = listener.local_addr().ok();
        }
        launch.ops_port = ops_port(manifests.role(&launch.procfile.name, digest), options.port);
    }
}

/// What a controller is told of the processes at Heroku, unless a person has. Without a key it could not reach them and would
/// not start, so it is told nothing then; what is wrong with the targets says whoever releases.
fn told_to_the_controller(workspace: &Workspace) -> Vec<(&'static str, String)> {
    let is_set = |name| env::var(name).is_ok_and(|value| !value.trim().is_empty());
    let targets = targets(workspace).ok().filter(|_| is_set(HEROKU_KEY) && !is_set("HEROKU_APPS"));
    targets.map(|targets| targets.told_to_the_controller()).unwrap_or_default()
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

/// Behind the public port, as each process has it by itself; any free one for others, and when any will do for the public one.
fn ops_port(role: Option<Role>, public_port: u16) -> u16 {
    let behind = match role {
        _ if public_port == 0 => return 0,
        Some(Role::Listens) => 1,
        Some(Role::Works) => 2,
        Some(Role::Fires) => 3,
        None => return 0,
    };
    public_port.checked_add(behind).unwrap_or(0)
}
