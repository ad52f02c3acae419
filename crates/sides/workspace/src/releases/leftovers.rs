//! Removes what an interrupted command has left in `.sides/releases/`, and checks for free space.

use std::{fs, io, path::Path};

use nix::{
    errno::Errno,
    sys::{signal::kill, statvfs::statvfs},
    unistd::Pid,
};

/// The name of a build on its way into the store, with the process that brings it.
pub(super) const FRESH: &str = "new-";

/// What is left free beside what is written: a database or a log may need it.
const SPARE_BYTES: u64 = 64 << 20;

/// Removes the half-kept builds of commands that run no more. A failure costs room, nothing else.
pub(super) fn sweep(releases: &Path) {
    let processes = fs::read_dir(releases).into_iter().flatten().flatten();
    for entry in processes.flat_map(|process| fs::read_dir(process.path()).into_iter().flatten().flatten()) {
        let name = entry.file_name();
        let left_by =
            name.to_str().and_then(|name| name.strip_prefix(FRESH)).and_then(|pid| pid.parse().ok());
        if left_by.is_some_and(|pid| pid == std::process::id().cast_signed() || has_ended(pid)) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

fn has_ended(pid: i32) -> bool {
    matches!(kill(Pid::from_raw(pid), None), Err(Errno::ESRCH))
}

/// How many bytes an ordinary user may still write where this folder lies.
pub(crate) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let system = statvfs(folder).map_err(io::Error::from)?;
    Ok(system.blocks_available().saturating_mul(system.fragment_size()))
}

/// Asks for room before it is needed.
///
/// # Errors
/// When so much would not fit, with how much is missing.
pub fn ask_for_room(folder: &Path, bytes: u64) -> io::Result<()> {
    let (free, needed) = (free_bytes(folder)?, bytes.saturating_add(SPARE_BYTES));
    if free >= needed {
        return Ok(());
    }
    let text = format!(
        "{} MB are free in {}, but {} MB are needed: free some space, or remove old builds there",
        free >> 20,
        folder.display(),
        needed >> 20
    );
    Err(io::Error::new(io::ErrorKind::StorageFull, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_brings_any_more_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join("web").join(name);
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        let mut lives = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let (dead, living) = (format!("{FRESH}{}", ended.id()), format!("{FRESH}{}", lives.id()));
        for name in [dead.as_str(), living.as_str(), "0a1b"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        sweep(folder.path());
        let left = [dead.as_str(), living.as_str(), "0a1b"].map(|name| at(name).exists());
        lives.kill().unwrap();
        lives.wait().unwrap();
        assert_eq!(left, [false, true, true]);
    }

    #[test]
    fn room_that_is_not_there_is_missed_beforehand() {
        let folder = tempfile::tempdir().unwrap();
        ask_for_room(folder.path(), 1).unwrap();
        let error = ask_for_room(folder.path(), u64::MAX / 2).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains("MB are needed"), "{error}");
    }
}
