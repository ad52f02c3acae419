//! The system package managers, and their package names.

use std::{env, fs, path::PathBuf, process::Command};

use crate::Need;

/// A system's package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PackageManager {
    /// Debian, Ubuntu.
    Apt,
    /// Fedora, RHEL.
    Dnf,
    /// Alpine.
    Apk,
    /// Arch.
    Pacman,
    /// openSUSE.
    Zypper,
    /// macOS, where Homebrew is installed.
    Brew,
}

impl PackageManager {
    /// This system's.
    pub(crate) fn here() -> Option<Self> {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        Self::of(&release, cfg!(target_os = "macos")).filter(|manager| manager.is_there())
    }

    fn of(os_release: &str, macos: bool) -> Option<Self> {
        if macos {
            return Some(Self::Brew);
        }
        distribution_names(os_release).iter().find_map(|name| match name.as_str() {
            "debian" | "ubuntu" => Some(Self::Apt),
            "fedora" | "rhel" => Some(Self::Dnf),
            "alpine" | "postmarketos" => Some(Self::Apk),
            "arch" | "manjaro" => Some(Self::Pacman),
            "opensuse" | "suse" => Some(Self::Zypper),
            _ => None,
        })
    }

    fn is_there(self) -> bool {
        let own = env::var_os("PATH").unwrap_or_default();
        let usual = ["/usr/bin", "/sbin", "/opt/homebrew/bin", "/usr/local/bin"].map(PathBuf::from);
        env::split_paths(&own).chain(usual).any(|folder| folder.join(self.program()).is_file())
    }

    fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Apk => "apk",
            Self::Pacman => "pacman",
            Self::Zypper => "zypper",
            Self::Brew => "brew",
        }
    }

    /// Whether it changes the whole system, and so needs root.
    pub(crate) fn needs_root(self) -> bool {
        self != Self::Brew
    }

    /// The packages' names.
    pub(crate) fn packages(self, need: Need) -> &'static [&'static str] {
        match (need, self) {
            (Need::Postgres, Self::Apt | Self::Apk | Self::Pacman | Self::Brew) => &["postgresql"],
            (Need::Postgres, Self::Dnf | Self::Zypper) => &["postgresql-server"],
            (Need::Browser, Self::Apt) => &["chromium", "chromium-driver"],
            (Need::Browser, Self::Apk) => &["chromium", "chromium-chromedriver"],
            (Need::Browser, Self::Pacman) => &["chromium"],
            (Need::Browser, Self::Dnf | Self::Zypper) => &["chromium", "chromedriver"],
            (Need::Browser, Self::Brew) => &["chromium", "chromedriver"],
            (Need::Pooler, _) => &["pgbouncer"],
            (Need::Jq, _) => &["jq"],
            (Need::Python, Self::Pacman | Self::Brew) => &["python"],
            (Need::Python, _) => &["python3"],
        }
    }

    /// Ends what was interrupted half way, where that is needed before anything else can be installed.
    pub(crate) fn repair(self) -> Option<&'static [&'static str]> {
        // dpkg keeps a numbered file for each step that it has not yet entered into its list.
        let steps = || fs::read_dir("/var/lib/dpkg/updates").into_iter().flatten().flatten();
        let is_step = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let interrupted = || steps().any(|entry| entry.file_name().to_str().is_some_and(is_step));
        (self == Self::Apt && interrupted()).then_some(&["dpkg", "--configure", "-a"])
    }

    /// Renews the list of packages, for those that do not by themselves.
    pub(crate) fn renewal(self) -> Option<&'static [&'static str]> {
        // By default apt takes a list that it cannot have for a warning.
        match self {
            Self::Apt => Some(&["apt-get", "update", "-qq", "-o", "APT::Update::Error-Mode=any"]),
            Self::Apk => Some(&["apk", "update", "--quiet"]),
            Self::Dnf | Self::Pacman | Self::Zypper | Self::Brew => None,
        }
    }

    /// The command that installs it.
    pub(crate) fn installation(self, need: Need) -> Vec<&'static str> {
        let install: &[&str] = match self {
            // A machine that has just been started often installs updates of its own: it is waited for.
            Self::Apt => &[
                "apt-get",
                "install",
                "-qq",
                "-o",
                "DPkg::Lock::Timeout=300",
                "--yes",
                "--no-install-recommends",
            ],
            Self::Dnf => &["dnf", "install", "--quiet", "-y"],
            Self::Apk => &["apk", "add", "--quiet"],
            Self::Pacman => &["pacman", "-S", "--quiet", "--noconfirm", "--needed"],
            Self::Zypper => &["zypper", "--quiet", "install", "-y"],
            Self::Brew => &["brew", "install", "--quiet"],
        };
        install.iter().chain(self.packages(need)).copied().collect()
    }

    /// One of these commands, with `sudo` in front where that is the way.
    pub(crate) fn command(self, words: &[&str], sudo: bool) -> Command {
        const QUIET: &str = "DEBIAN_FRONTEND=noninteractive";
        let mut command = if sudo { Command::new("sudo") } else { Command::new("env") };
        if sudo {
            command.args(["--non-interactive", "env"]);
        }
        if self == Self::Apt {
            command.arg(QUIET);
        }
        command.args(words);
        command
    }
}

/// The distribution's own name, then those it descends from.
fn distribution_names(os_release: &str) -> Vec<String> {
    let field = |key: &str| {
        let mut lines = os_release.lines();
        lines.find_map(|line| line.strip_prefix(key)).unwrap_or_default().replace(['"', '\''], "")
    };
    let both = [field("ID="), field("ID_LIKE=")];
    both.iter().flat_map(|names| names.split_whitespace()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_own() {
        for (release, expected) in [
            ("NAME=\"Debian\"\nID=debian\n", Some(PackageManager::Apt)),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", Some(PackageManager::Apt)),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", Some(PackageManager::Dnf)),
            ("ID=alpine\n", Some(PackageManager::Apk)),
            ("ID=arch\n", Some(PackageManager::Pacman)),
            ("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", Some(PackageManager::Zypper)),
            ("ID=plan9\n", None),
            ("", None),
        ] {
            assert_eq!(PackageManager::of(release, false), expected, "{release}");
        }
        assert_eq!(PackageManager::of("", true), Some(PackageManager::Brew));
    }
}
