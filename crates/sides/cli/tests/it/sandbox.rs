//! A folder that is a workspace of its own: Procfiles, `.sides/`, programs on the PATH.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use database::DatabaseUrl;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;
use testing::{TestDatabase, wait_until};

use crate::{
    host::Dev,
    programs::{self, SIDES},
};

/// Long enough for two busy cores.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Sandbox {
    folder: TempDir,
    database_url: Option<String>,
}

impl Sandbox {
    /// web, worker and clock; Postgres will be a private one.
    pub(crate) fn new() -> Self {
        Self::with(&["web", "worker", "clock"])
    }

    pub(crate) fn with(processes: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("sides-test-").tempdir().unwrap();
        // The private Postgres runs as another user when the tests run as root.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in processes {
            fs::write(folder.path().join(format!("Procfile.{name}")), format!("{name}: {name}\n")).unwrap();
        }
        Self { folder, database_url: None }
    }

    /// With a copy of this workspace's own migrations.
    pub(crate) fn with_migrations(self) -> Self {
        copy_migrations(&self);
        self
    }

    /// On a database that exists already.
    pub(crate) fn on(self, database: &TestDatabase) -> Self {
        self.at(database.url())
    }

    /// The same, at an address of its own.
    pub(crate) fn at(mut self, url: &DatabaseUrl) -> Self {
        self.database_url = Some(url.expose());
        self
    }

    /// The real path: what the system shows of processes in it.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// `sides …` in this workspace.
    pub(crate) fn sides(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(SIDES);
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        self.set_environment(&mut command);
        command
    }

    /// One of the programs, on its own.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(programs::folder().join(name));
        command.current_dir(self.path()).stdin(Stdio::null());
        self.set_environment(&mut command);
        command
    }

    /// A script in a folder of this workspace, for bash. It finds the database by its own means.
    pub(crate) fn script(&self, folder: &str, script: &str) -> Command {
        // Ctrl-C ends it even where these tests ignore it, as in the background of a shell.
        let mut command = Command::new("env");
        command
            .args(["--default-signal=INT", "bash", "-e", "-c", script])
            .current_dir(self.file(folder))
            .stdin(Stdio::null());
        self.set_environment(&mut command);
        command.env_remove("DATABASE_URL");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.sides(arguments).output().unwrap()
    }

    /// `sides dev` on any free port.
    pub(crate) fn dev(&self) -> Dev {
        self.dev_with(&["--port", "0"])
    }

    pub(crate) fn dev_with(&self, options: &[&str]) -> Dev {
        Dev::start(self.sides(&[&["dev"], options].concat()))
    }

    /// What `sides status --json` says.
    pub(crate) fn status(&self) -> Value {
        let output = self.run(&["status", "--json"]);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// The pid of a process that `dev` keeps, while it has one.
    pub(crate) fn pid_of(&self, process: &str) -> Option<i32> {
        let status = self.status();
        let found = status["processes"]
            .as_array()?
            .iter()
            .find(|one| one["name"] == process && !one["pid"].is_null())?;
        i32::try_from(found["pid"].as_i64()?).ok()
    }

    pub(crate) async fn wait_until_green(&self) {
        wait_until("everything answers", PATIENCE, async || self.run(&["status"]).status.success()).await;
    }

    /// Everything that runs here: in this folder, or with it in its command line.
    pub(crate) fn residents(&self) -> Vec<(i32, String)> {
        let here = self.path();
        let numbers = fs::read_dir("/proc").unwrap().flatten();
        numbers
            .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
            .filter_map(|pid| Some((pid, resident(pid, &here)?)))
            .collect()
    }

    pub(crate) async fn wait_until_empty(&self) {
        let empty = async || self.residents().is_empty();
        let begun = std::time::Instant::now();
        while !empty().await {
            let left = self.residents();
            assert!(begun.elapsed() < PATIENCE, "still here: {left:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn set_environment(&self, command: &mut Command) {
        let inherited = env::var_os("PATH").unwrap_or_default();
        let path = [programs::folder().to_owned()].into_iter().chain(env::split_paths(&inherited));
        let path = path.chain(needed());
        for name in ["ADMIN_TOKEN", "HOST", "PORT", "SIDES_ROOT", "LOG", "OPS_PORT"] {
            command.env_remove(name);
        }
        command.env("PATH", env::join_paths(path).unwrap()).env("ALLOW_PRIVATE_ADDRESSES", "true");
        match &self.database_url {
            Some(url) => command.env("DATABASE_URL", url),
            None => command.env_remove("DATABASE_URL"),
        };
    }
}

/// Puts a copy of this workspace's own migrations into it.
pub(crate) fn copy_migrations(sandbox: &Sandbox) {
    let from = programs::workspace().join("migrations");
    let copied = Command::new("cp").arg("-r").arg(from).arg(sandbox.file("migrations")).status();
    assert!(copied.unwrap().success(), "the migrations are not copied");
}

/// Where the programs lie that scripts of the tests call.
fn needed() -> Vec<PathBuf> {
    use install::Need;
    [("psql", Need::Postgres), ("jq", Need::Jq), ("python3", Need::Python)]
        .map(|(program, from)| testing::folder_of(program, from))
        .into()
}

impl Drop for Sandbox {
    /// What a host has started outlives it: a test that ends early must not leave it behind.
    fn drop(&mut self) {
        for _ in 0..50 {
            let left = self.residents();
            if left.is_empty() {
                return;
            }
            for (pid, _) in left {
                // It may have ended meanwhile.
                kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The command line of a living process that belongs to the folder.
fn resident(pid: i32, folder: &Path) -> Option<String> {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let is_dead = state.rsplit(')').next()?.trim_start().starts_with(['Z', 'X']);
    let text = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = String::from_utf8_lossy(&text).replace('\0', " ");
    let inside = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
    let named = text.contains(folder.to_str()?);
    (!is_dead && (inside || named)).then_some(text)
}

pub(crate) fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).unwrap();
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
