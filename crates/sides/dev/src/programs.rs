//! The programs that run: copied out of cargo's directory, so that a restart never gets half a build.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::Context as _;

use super::build::Sources;
use workspace::Workspace;

/// One build of one program. Removed with this value.
#[derive(Debug)]
pub(super) struct Kept {
    folder: PathBuf,
    file: PathBuf,
}

impl Kept {
    /// Keeps a program as cargo built it just now.
    pub(super) fn keep(workspace: &Workspace, sources: &Sources, program: &str) -> anyhow::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = workspace.programs_folder().join(number.to_string());
        let (built, file) = (sources.folder.join(program), folder.join(program));
        let keep = || -> io::Result<()> {
            fs::create_dir_all(&folder)?;
            // Linkers write a new file instead of into the old one, so a link keeps what it was. Another file
            // system has no links to this one.
            fs::hard_link(&built, &file).or_else(|_| fs::copy(&built, &file).map(drop))
        };
        keep().with_context(|| format!("cannot store {}", built.display()))?;
        Ok(Self { folder, file })
    }

    /// Where the program is found.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether cargo's file is, byte for byte, this one.
    pub(super) fn is_current(&self, sources: &Sources) -> anyhow::Result<bool> {
        let name = self.file.file_name().unwrap_or_default();
        let built = sources.folder.join(name);
        same_bytes(&self.file, &built)
            .with_context(|| format!("cannot compare {} with the running build", built.display()))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // What stays behind is removed at the next start.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Removes what a killed `dev` has left behind.
pub(super) fn clear(workspace: &Workspace) -> anyhow::Result<()> {
    match fs::remove_dir_all(workspace.programs_folder()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot empty {}", workspace.programs_folder().display()))
        }
        _ => Ok(()),
    }
}

fn same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    const CHUNK: u64 = 1 << 20;
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        (&mut one).take(CHUNK).read_to_end(&mut left)?;
        (&mut other).take(CHUNK).read_to_end(&mut right)?;
        if left != right {
            return Ok(false);
        }
        if left.is_empty() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_at_the_end_makes_a_difference() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let long = vec![7; 3 << 20];
        let mut other = long.clone();
        *other.last_mut().unwrap() = 8;
        let (a, b, c) = (file("a", &long), file("b", &long), file("c", &other));
        assert!(same_bytes(&a, &b).unwrap());
        assert!(!same_bytes(&a, &c).unwrap());
        assert!(!same_bytes(&a, &file("d", &long[1..])).unwrap());
    }
}
