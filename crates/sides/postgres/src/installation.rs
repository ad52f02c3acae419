//! Chooses an installation for a data directory.

use std::{
    fs,
    path::{Path, PathBuf},
};

use install::Installation;

use crate::{ClusterError, NoPostgres};

/// The installation for a data folder: of the version that made it, or for a new one the wanted version, or the
/// newest.
pub(crate) fn find(data: &Path, major: Option<u32>) -> Result<Installation, ClusterError> {
    let found = install::installations();
    if found.is_empty() {
        return Err(NoPostgres::here().into());
    }
    choose(found, data, major)
}

/// Whether there is a server at all: asked before anything is written for it.
pub(crate) fn require() -> Result<(), NoPostgres> {
    if install::installations().is_empty() { Err(NoPostgres::here()) } else { Ok(()) }
}

/// A program of the newest installation that has it: `psql`, `pg_dump`, …
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    // Of two folders with one version, the first may be links to the server's programs alone.
    let mut found = install::installations();
    found.sort_by_key(|one| std::cmp::Reverse(one.major));
    found.into_iter().map(|one| one.program(name)).find(|program| program.is_file())
}

/// The installed major version that is nearest to another: itself, the next newer one, or the newest.
pub(crate) fn nearest(major: Option<u32>) -> Result<u32, NoPostgres> {
    let found: Vec<u32> = install::installations().into_iter().map(|one| one.major).collect();
    nearest_of(&found, major).ok_or_else(NoPostgres::here)
}

fn nearest_of(installed: &[u32], major: Option<u32>) -> Option<u32> {
    let newest = installed.iter().max().copied();
    let Some(major) = major else { return newest };
    installed.iter().filter(|one| **one >= major).min().copied().or(newest)
}

fn choose(
    mut found: Vec<Installation>,
    data: &Path,
    major: Option<u32>,
) -> Result<Installation, ClusterError> {
    // Stable: of one version, the folder that is preferred.
    found.sort_by_key(|one| one.major);
    found.dedup_by_key(|one| one.major);
    let made_by = fs::read_to_string(data.join("PG_VERSION")).ok().and_then(|text| text.trim().parse().ok());
    let made_by = made_by.or(major);
    let installed: Vec<u32> = found.iter().map(|one| one.major).collect();
    let wanted = match made_by {
        Some(major) => found.into_iter().find(|one| one.major == major),
        None => found.pop(),
    };
    wanted.ok_or_else(|| ClusterError::OtherVersion {
        data: data.to_owned(),
        made_by: made_by.unwrap_or_default(),
        installed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_decides_the_version() {
        let found = |majors: &[u32]| {
            majors.iter().map(|&major| Installation { folder: format!("/pg{major}").into(), major }).collect()
        };
        let data = tempfile::tempdir().unwrap();
        assert_eq!(choose(found(&[15, 17, 16]), data.path(), None).unwrap().major, 17);
        fs::write(data.path().join("PG_VERSION"), "16\n").unwrap();
        assert_eq!(choose(found(&[15, 17, 16]), data.path(), None).unwrap().major, 16);
        let refused = choose(found(&[15, 17]), data.path(), None).unwrap_err().to_string();
        assert!(refused.contains("made by Postgres 16"), "{refused}");
        assert!(refused.contains("Postgres 15 and Postgres 17"), "{refused}");
    }

    #[test]
    fn a_wanted_version_is_had_or_the_next_newer_one() {
        assert_eq!(nearest_of(&[14, 17, 16], Some(14)), Some(14));
        assert_eq!(nearest_of(&[14, 17, 16], Some(15)), Some(16));
        assert_eq!(nearest_of(&[14, 17, 16], Some(18)), Some(17));
        assert_eq!(nearest_of(&[14, 17, 16], None), Some(17));
        assert_eq!(nearest_of(&[], Some(15)), None);
    }
}
