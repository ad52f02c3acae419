//! Who runs this, and on what kind of machine.

use std::{
    env, fs,
    io::{self, IsTerminal as _},
    path::Path,
    process::{Command, Stdio},
};

use crate::package_manager::PackageManager;

/// What decides how a missing program may be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Situation {
    /// The system's package manager, where it is one that is known.
    pub(crate) manager: Option<PackageManager>,
    pub(crate) root: bool,
    /// `sudo` works without a password.
    pub(crate) sudo: bool,
    /// A container, whose system is nobody's own.
    pub(crate) container: bool,
    /// A CI run: nobody is there to be asked.
    pub(crate) ci: bool,
    /// Somebody can be asked.
    pub(crate) terminal: bool,
}

impl Situation {
    pub(crate) fn here() -> Self {
        let root = is_root();
        let manager = PackageManager::here();
        Self {
            manager,
            root,
            sudo: !root && manager.is_some_and(PackageManager::needs_root) && has_sudo(),
            container: in_container(),
            ci: env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false"),
            terminal: io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn has_sudo() -> bool {
    let mut command = Command::new("sudo");
    command.args(["--non-interactive", "true"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Docker and Podman leave a file; systemd-nspawn, LXC and Kubernetes' runtimes set a variable for the first process.
fn in_container() -> bool {
    let files = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"];
    files.iter().any(|file| Path::new(file).exists())
        || env::var_os("KUBERNETES_SERVICE_HOST").is_some()
        || fs::read("/proc/1/environ")
            .is_ok_and(|all| all.split(|byte| *byte == 0).any(|variable| variable.starts_with(b"container=")))
}
