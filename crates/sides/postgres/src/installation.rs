//! Finding the server programs wherever distributions put them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{ClusterError, NoPostgres};

/// One folder with `initdb` and `postgres` of one major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installation {
    pub(crate) folder: PathBuf,
    pub(crate) major: u32,
}

impl Installation {
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The installation for a data folder: of the version that made it, or the newest for a new one.
    pub(crate) fn find(data: &Path) -> Result<Self, ClusterError> {
        let found = all(&candidates());
        if found.is_empty() {
            return Err(NoPostgres::here().into());
        }
        choose(found, data)
    }
}

/// Whether there is a server at all: asked before anything is written for it.
pub(crate) fn require() -> Result<(), NoPostgres> {
    if all(&candidates()).is_empty() { Err(NoPostgres::here()) } else { Ok(()) }
}

/// A program of the newest installation that has it: `psql`, `pg_dump`, …
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    // Of two folders with one version, the first may be links to the server's programs alone.
    let mut found = each(&candidates());
    found.sort_by_key(|one| std::cmp::Reverse(one.major));
    found.into_iter().map(|one| one.program(name)).find(|program| program.is_file())
}

fn choose(found: Vec<Installation>, data: &Path) -> Result<Installation, ClusterError> {
    let made_by = fs::read_to_string(data.join("PG_VERSION")).ok().and_then(|text| text.trim().parse().ok());
    let installed: Vec<u32> = found.iter().map(|one| one.major).collect();
    let wanted = match made_by {
        Some(major) => found.into_iter().find(|one| one.major == major),
        None => found.into_iter().max_by_key(|one| one.major),
    };
    wanted.ok_or_else(|| ClusterError::OtherVersion {
        data: data.to_owned(),
        made_by: made_by.unwrap_or_default(),
        installed,
    })
}

/// The installations in these folders, one for each major version.
fn all(folders: &[PathBuf]) -> Vec<Installation> {
    let mut found: Vec<Installation> = Vec::new();
    for one in each(folders) {
        if found.iter().all(|known| known.major != one.major) {
            found.push(one);
        }
    }
    found
}

fn each(folders: &[PathBuf]) -> Vec<Installation> {
    let is_one = |folder: &&PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    let found = folders.iter().filter(is_one);
    found
        .filter_map(|folder| {
            Some(Installation { major: major_version(&folder.join("postgres"))?, folder: folder.clone() })
        })
        .collect()
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

fn candidates() -> Vec<PathBuf> {
    if let Some(folder) = std::env::var_os("SIDES_POSTGRES_BIN").filter(|folder| !folder.is_empty()) {
        return vec![PathBuf::from(folder)];
    }
    let mut folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
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

    #[test]
    fn the_data_decides_the_version() {
        let found = |majors: &[u32]| {
            majors.iter().map(|&major| Installation { folder: format!("/pg{major}").into(), major }).collect()
        };
        let data = tempfile::tempdir().unwrap();
        assert_eq!(choose(found(&[15, 17, 16]), data.path()).unwrap().major, 17);
        fs::write(data.path().join("PG_VERSION"), "16\n").unwrap();
        assert_eq!(choose(found(&[15, 17, 16]), data.path()).unwrap().major, 16);
        let refused = choose(found(&[15, 17]), data.path()).unwrap_err().to_string();
        assert!(refused.contains("made by Postgres 16"), "{refused}");
        assert!(refused.contains("Postgres 15 and Postgres 17"), "{refused}");
    }
}
