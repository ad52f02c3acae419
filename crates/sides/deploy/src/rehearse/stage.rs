//! A separate workspace in a temporary directory, with a database and a host that end with this process.

use std::{
    env,
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use database::DatabaseUrl;
use migrate::{Migration, Options};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use planner::Manifest;
use platform::local::bind_to_supervisor;
use postgres::{Cluster, Opened, Settings};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time,
};

use crate::{drill::Disk, release::Prepared};
use workspace::{
    Stop, Workspace, control, manifest_of,
    releases::{Digest, Set, Store},
};

/// How long the live builds may take until they answer on the stage.
const START_LIMIT: Duration = Duration::from_secs(90);
/// How long the host may take to end what it runs.
const END_LIMIT: Duration = Duration::from_secs(60);
/// How much of what the host said is shown.
const LAST_WORDS: usize = 3000;

/// What programs need to run at all. Nothing else of this environment reaches the stage: what has no token cannot do
/// anything to the world outside.
const KEPT: [&str; 9] =
    ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "NO_COLOR", "DRAIN_SECONDS"];

pub(crate) struct Stage {
    workspace: Workspace,
    store: Store,
    builds: Vec<(String, Digest)>,
    prepared: PathBuf,
    cluster: Cluster,
    url: DatabaseUrl,
    /// None before it was started.
    host: Option<Child>,
    /// Whether what the host runs ends with it, however it ends.
    pub(crate) is_bound: bool,
    environment: Vec<(OsString, OsString)>,
    /// What stands in for the disk with the kept builds; unmounted before the folder is removed.
    disk: Option<Disk>,
    folder: TempDir,
}

impl Stage {
    /// Sets it: the builds, and a Postgres. Not to be stopped in the middle.
    pub(crate) async fn set(
        live: &Workspace,
        store: &Store,
        running: &Set,
        prepared: &Prepared,
        variables: &[String],
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("sides-rehearsal-").tempdir()?;
        // A private Postgres runs as another user when this is root.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        for entry in fs::read_dir(live.root())?.flatten() {
            if entry.file_name().to_string_lossy().starts_with("Procfile.") {
                fs::copy(entry.path(), folder.path().join(entry.file_name()))?;
            }
        }
        let workspace = Workspace::find(Some(folder.path()))?;
        workspace.create_folders()?;
        let builds: Vec<(String, Digest)> = running
            .iter()
            .chain(&prepared.set)
            .map(|(process, digest)| (process.clone(), digest.clone()))
            .collect();
        let kept = Store::open(&workspace)?;
        for (process, digest) in &builds {
            let from = store.find(process, digest);
            let from = from.with_context(|| format!("{process} {digest} is no longer kept here"))?;
            copy(&from, &workspace.releases_folder().join(process).join(digest.as_str()))?;
        }
        kept.set_running(running)?;
        let file = folder.path().join("prepared.json");
        fs::write(&file, serde_json::to_string(prepared)?)?;

        let opened = Cluster::open(workspace.postgres_folder(), Settings::default()).await?;
        let Opened::Started(cluster) = opened else {
            bail!("another Postgres runs in {}", folder.path().display())
        };
        let url: DatabaseUrl =
            cluster.url().parse().context("cannot parse the address of the private Postgres")?;
        let environment = environment(&url, variables)?;
        let prepared = file;
        let store = kept;
        let is_bound = true;
        Ok(Self {
            workspace,
            store,
            builds,
            prepared,
            cluster,
            url,
            host: None,
            is_bound,
            environment,
            disk: None,
            folder,
        })
    }

    /// Makes the live schema again, and starts the host.
    pub(crate) async fn start(&mut self, applied: &[Migration]) -> anyhow::Result<()> {
        migrate::apply(&self.url, applied, &Options::default(), &mut |_| {})
            .await
            .context("cannot recreate the live schema")?;
        self.host = Some(start_host(&self.workspace, &self.environment, self.is_bound)?);
        Ok(())
    }

    pub(crate) fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Until every live build answers.
    pub(crate) async fn wait_until_it_runs(&self, running: &Set) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            if let Some(status) = control::status(&self.workspace).await?
                && status.phase == control::Phase::Running
                && (running.is_empty() || status.all_answer())
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "the live builds did not answer on the stage within {} s; pass the variables that they need \
                     with --env NAME. Their output:\n{}",
                    START_LIMIT.as_secs(),
                    self.said()
                );
            }
            time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the builds say of themselves; those that say nothing are left out.
    pub(crate) async fn manifests(&self) -> Vec<Manifest> {
        let mut found = Vec::new();
        for (process, digest) in &self.builds {
            let Ok(program) = self.store.program(process, digest) else { continue };
            found.extend(manifest_of(&program).await);
        }
        found
    }

    /// Carries out the release here; its exit code.
    pub(super) async fn release(&self, options: &super::Options) -> anyhow::Result<i32> {
        let mut command = command(&self.workspace, &self.environment)?;
        command.arg("release").arg("--prepared").arg(&self.prepared).args(options.watching.arguments());
        if options.json {
            command.arg("--json");
        }
        ended(command, "the release").await
    }

    /// Goes back to what runs live; its exit code.
    pub(super) async fn back(&self, options: &super::Options) -> anyhow::Result<i32> {
        let mut command = command(&self.workspace, &self.environment)?;
        command.args(["rollback", "--bake", "0", "--probe", &options.watching.probe]);
        if options.json {
            // One receipt is what a program reads there.
            command.stdout(Stdio::null());
        }
        ended(command, "the rollback").await
    }

    /// Ends everything and removes the folder; hard, where `stop` is asked for twice.
    pub(crate) async fn strike(mut self, stop: &Stop) {
        if let Some(host) = &mut self.host {
            let pid = host.id().and_then(|pid| i32::try_from(pid).ok());
            // It may have ended by itself.
            if pid.is_some_and(|pid| kill(Pid::from_raw(pid), Signal::SIGTERM).is_ok()) {
                tokio::select! {
                    _ = time::timeout(END_LIMIT, host.wait()) => {}
                    () = stop.hurried() => {}
                }
            }
            // What it still runs dies with it.
            drop(host.kill().await);
        }
        self.cluster.stop().await;
        drop(self.disk.take());
        // A folder that stays costs room in the place for temporary ones, nothing else.
        drop(self.folder.close());
    }

    /// Its workspace.
    pub(crate) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The builds that are kept on it.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// This very program, on the stage.
    pub(crate) fn command(&self) -> anyhow::Result<Command> {
        command(&self.workspace, &self.environment)
    }

    /// Kills the host, and starts the next one.
    pub(crate) async fn kill_host(&mut self) -> anyhow::Result<()> {
        if let Some(host) = &mut self.host {
            host.kill().await.context("cannot kill the stage's host")?;
        }
        self.host = Some(start_host(&self.workspace, &self.environment, self.is_bound)?);
        Ok(())
    }

    /// The process of its host.
    pub(crate) fn host_pid(&self) -> anyhow::Result<u32> {
        self.host.as_ref().and_then(Child::id).context("the stage's host has ended")
    }

    /// Has the disk with the kept builds be a small one, and fills it.
    pub(crate) fn fill_disk(&mut self) -> anyhow::Result<()> {
        let disk = match self.disk.take() {
            Some(disk) => disk,
            None => Disk::instead_of(&self.workspace.releases_folder())?,
        };
        self.disk.insert(disk).fill()
    }

    /// Gives the room back, if it was filled.
    pub(crate) fn empty_disk(&self) -> anyhow::Result<()> {
        self.disk.as_ref().map_or(Ok(()), Disk::empty)
    }

    /// The last words of its host.
    pub(crate) fn said(&self) -> String {
        let text = fs::read_to_string(said_in(&self.workspace)).unwrap_or_default();
        let from = text.len().saturating_sub(LAST_WORDS);
        String::from_utf8_lossy(&text.as_bytes()[from..]).trim_end().to_owned()
    }
}

/// The exit code of a command on the stage.
async fn ended(mut command: Command, what: &str) -> anyhow::Result<i32> {
    bind_to_supervisor(&mut command, None);
    let status = command.status().await.with_context(|| format!("cannot start {what}"))?;
    status.code().with_context(|| format!("{what} on the stage was ended by a signal ({status})"))
}

fn said_in(workspace: &Workspace) -> PathBuf {
    workspace.logs_folder().join("host.out")
}

/// Bound to this process: whatever ends it ends the host, and where that is bound all that it runs.
fn start_host(
    workspace: &Workspace,
    environment: &[(OsString, OsString)],
    is_bound: bool,
) -> anyhow::Result<Child> {
    let out = fs::File::options()
        .append(true)
        .create(true)
        .open(said_in(workspace))
        .context("cannot write the output of the stage's host")?;
    let mut command = command(workspace, environment)?;
    command
        .args(["host", "--port", "0"])
        .args(is_bound.then_some("--bound"))
        .stdout(out.try_clone()?)
        .stderr(out);
    bind_to_supervisor(&mut command, None);
    command.spawn().context("cannot start the stage's host")
}

/// This very program, on the stage.
fn command(workspace: &Workspace, environment: &[(OsString, OsString)]) -> anyhow::Result<Command> {
    let mut command = Command::new(env::current_exe().context("cannot find this program's own file")?);
    command.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
    command.arg("--root").arg(workspace.root()).current_dir(workspace.root()).stdin(Stdio::null());
    Ok(command)
}

/// `NAME` is taken from here, `NAME=VALUE` is set.
fn environment(url: &DatabaseUrl, variables: &[String]) -> anyhow::Result<Vec<(OsString, OsString)>> {
    let mut all: Vec<(OsString, OsString)> =
        KEPT.iter().filter_map(|name| Some(((*name).into(), env::var_os(name)?))).collect();
    for variable in variables {
        let (name, value) = match variable.split_once('=') {
            Some((name, value)) => (name, value.into()),
            None => {
                let value = env::var_os(variable);
                (variable.as_str(), value.with_context(|| format!("--env {variable}: not set here"))?)
            }
        };
        anyhow::ensure!(name != "DATABASE_URL", "--env DATABASE_URL: the stage has its own database");
        all.push((name.into(), value));
    }
    all.push(("DATABASE_URL".into(), url.expose().into()));
    Ok(all)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)?.flatten() {
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => drop(
                fs::copy(entry.path(), &target)
                    .with_context(|| format!("cannot copy to {}", target.display()))?,
            ),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_reaches_the_stage() {
        let url: DatabaseUrl = "postgres://a@127.0.0.1:1/b".parse().unwrap();
        let named = environment(&url, &["TOKEN=secret".to_owned()]).unwrap();
        let has = |name: &str| named.iter().any(|(known, _)| known == name);
        assert!(has("PATH") && has("TOKEN") && has("DATABASE_URL") && !has("CARGO_MANIFEST_DIR"));
        assert!(environment(&url, &["DATABASE_URL=live".to_owned()]).is_err());
        assert!(environment(&url, &["SURELY_NOT_SET".to_owned()]).is_err());
    }
}
