//! What to say, and do, on a machine without Postgres.

use std::{fs, path::Path, process::Command};

/// The machine has no Postgres server programs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this machine has no Postgres server programs (initdb and postgres); {}", advice(self.install_command))]
pub struct NoPostgres {
    /// The command that installs them here, when the system is a known one.
    pub install_command: Option<&'static str>,
}

/// Why Postgres could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Only Debian and its descendants, as root, are done by this program itself.
    #[error("installing needs a root shell on Debian or Ubuntu; {}", advice(*.0))]
    NotHere(Option<&'static str>),
    /// The package manager could not be started.
    #[error("cannot run apt-get")]
    Run(#[from] std::io::Error),
    /// The package manager failed; it has said why.
    #[error("apt-get failed ({0})")]
    Failed(std::process::ExitStatus),
}

fn advice(command: Option<&'static str>) -> String {
    command.map_or_else(
        || "install the postgresql server package of this system".to_owned(),
        |command| format!("install them: {command}"),
    )
}

impl NoPostgres {
    pub(crate) fn here() -> Self {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        Self { install_command: install_command(&release, cfg!(target_os = "macos"), is_root()) }
    }
}

/// Installs Postgres on Debian or Ubuntu, from a root shell, its output shown as it comes.
///
/// # Errors
/// Anywhere else, and when the package manager fails.
pub fn install() -> Result<(), InstallError> {
    let known = NoPostgres::here().install_command;
    if !is_root() || !Path::new("/usr/bin/apt-get").exists() {
        return Err(InstallError::NotHere(known));
    }
    for arguments in [&["update"][..], &["install", "--yes", "--no-install-recommends", "postgresql"]] {
        let status = Command::new("/usr/bin/apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .status()?;
        if !status.success() {
            return Err(InstallError::Failed(status));
        }
    }
    Ok(())
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn install_command(os_release: &str, macos: bool, root: bool) -> Option<&'static str> {
    if macos {
        return Some("brew install postgresql");
    }
    let commands = [
        (
            ["debian", "ubuntu"],
            "apt-get update && apt-get install -y postgresql",
            "sudo apt-get update && sudo apt-get install -y postgresql",
        ),
        (["fedora", "rhel"], "dnf install -y postgresql-server", "sudo dnf install -y postgresql-server"),
        (["alpine", "postmarketos"], "apk add postgresql", "sudo apk add postgresql"),
        (["arch", "manjaro"], "pacman -S --noconfirm postgresql", "sudo pacman -S --noconfirm postgresql"),
        (
            ["opensuse", "suse"],
            "zypper install -y postgresql-server",
            "sudo zypper install -y postgresql-server",
        ),
    ];
    let names = distribution_names(os_release);
    let (_, as_root, with_sudo) =
        commands.into_iter().find(|(known, ..)| names.iter().any(|name| known.contains(&name.as_str())))?;
    Some(if root { as_root } else { with_sudo })
}

/// The distribution's own name, then those it descends from.
fn distribution_names(os_release: &str) -> Vec<String> {
    let field = |key: &str| {
        os_release
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .unwrap_or_default()
            .replace(['"', '\''], "")
    };
    [field("ID="), field("ID_LIKE=")]
        .iter()
        .flat_map(|names| names.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_gets_its_own_command() {
        for (release, expected) in [
            ("NAME=\"Debian\"\nID=debian\n", Some("apt-get update && apt-get install -y postgresql")),
            (
                "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n",
                Some("apt-get update && apt-get install -y postgresql"),
            ),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", Some("dnf install -y postgresql-server")),
            ("ID=alpine\n", Some("apk add postgresql")),
            ("ID=arch\n", Some("pacman -S --noconfirm postgresql")),
            ("ID=plan9\n", None),
            ("", None),
        ] {
            assert_eq!(install_command(release, false, true), expected, "{release}");
        }
        assert_eq!(install_command("ID=alpine\n", false, false), Some("sudo apk add postgresql"));
        assert_eq!(install_command("", true, false), Some("brew install postgresql"));
    }

    #[test]
    fn the_message_holds_the_command() {
        let missing = NoPostgres { install_command: Some("apk add postgresql") };
        assert!(missing.to_string().ends_with("install them: apk add postgresql"), "{missing}");
    }
}
