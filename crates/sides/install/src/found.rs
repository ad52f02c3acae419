//! Finds programs where distributions, and this crate, put them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Need, cache};

impl Need {
    /// Whether this machine has it.
    #[must_use]
    pub fn is_met(self) -> bool {
        match self {
            Self::Postgres => !installations().is_empty(),
            Self::Browser => browser().is_some(),
            Self::Pooler => program("pgbouncer").is_some(),
            Self::Jq => program("jq").is_some(),
            Self::Python => program("python3").is_some(),
        }
    }
}

/// One folder with `initdb` and `postgres` of one major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The folder of its programs.
    pub folder: PathBuf,
    /// Its major version, like 15.
    pub major: u32,
}

impl Installation {
    /// The path of one of its programs.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Every installation of Postgres' server on this machine, in the order in which they are preferred. A version
/// may come up twice: of two folders, one may be links to the server's programs alone.
///
/// `SIDES_POSTGRES_BIN` names the one folder that counts.
#[must_use]
pub fn installations() -> Vec<Installation> {
    let folders = match env::var_os("SIDES_POSTGRES_BIN").filter(|folder| !folder.is_empty()) {
        Some(folder) => vec![PathBuf::from(folder)],
        None => postgres_folders(),
    };
    let is_one = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    folders
        .into_iter()
        .filter(is_one)
        .filter_map(|folder| Some(Installation { major: major_version(&folder.join("postgres"))?, folder }))
        .collect()
}

/// A browser for tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browser {
    /// Chromium.
    pub program: PathBuf,
    /// Its WebDriver.
    pub driver: PathBuf,
}

/// The browser of this machine: from the `PATH`, else unpacked into the cache.
#[must_use]
pub fn browser() -> Option<Browser> {
    let find = |names: &[&str]| names.iter().find_map(|name| program(name));
    Some(Browser {
        program: find(&["chromium", "chromium-browser", "google-chrome"])?,
        driver: find(&["chromedriver", "chromium.chromedriver"])?,
    })
}

/// Where a program lies: on the `PATH`, among the system's servers, or unpacked into the cache.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let servers = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let unpacked = Need::ALL.into_iter().filter_map(cache::programs);
    let folders = search_path().into_iter().chain(servers).chain(unpacked);
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn search_path() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

fn postgres_folders() -> Vec<PathBuf> {
    let mut folders = search_path();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    for (parent, prefix, tail) in [
        ("/usr/lib/postgresql", "", "bin"), // Debian, Ubuntu, Gentoo
        ("/usr/lib", "postgresql", "bin"),  // openSUSE
        ("/usr", "pgsql-", "bin"),          // the project's own packages for RHEL and Fedora
        ("/usr/libexec", "postgresql", ""), // Alpine
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
        ("/usr/local", "pgsql", "bin"),
        ("/Library/PostgreSQL", "", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ] {
        folders.extend(inside(Path::new(parent), prefix).into_iter().map(|folder| folder.join(tail)));
    }
    folders.extend(["/usr/bin", "/usr/local/bin"].map(PathBuf::from));
    folders.extend(cache::programs(Need::Postgres));
    folders
}

fn inside(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut folders: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders
}

fn major_version(postgres: &Path) -> Option<u32> {
    let output = Command::new(postgres).arg("--version").output().ok()?;
    parse_major(&String::from_utf8_lossy(&output.stdout))
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, `postgres (PostgreSQL) 18beta1`
fn parse_major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(2)?;
    let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_servers_print_them() {
        for (text, major) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", Some(15)),
            ("postgres (PostgreSQL) 18beta1", Some(18)),
            ("postgres (PostgreSQL) 9.6.24", Some(9)),
            ("command not found", None),
            ("", None),
        ] {
            assert_eq!(parse_major(text), major, "{text}");
        }
    }
}
