//! The program that changes the schema, kept apart from where it is built: a release needs it to its end, and whoever builds
//! meanwhile must not put another one in its place.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::Context as _;

use super::{Digest, leftovers};

/// So many are kept, the newest,
const KEPT: usize = 3;
/// and those that were kept since.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// Keeps a copy of it in `folder`, under the digest of its bytes.
pub(super) fn keep(folder: &Path, built: &Path) -> anyhow::Result<PathBuf> {
    let kept = || -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let name = built.file_name().unwrap_or_default().to_string_lossy();
        let kept = folder.join(format!("{name}-{}", Digest::of(built, &[])?.as_str()));
        if kept.exists() {
            File::options().append(true).open(&kept)?.set_modified(SystemTime::now())?;
            return Ok(kept);
        }
        prune(folder);
        leftovers::ask_for_room(folder, fs::metadata(built)?.len())?;
        let fresh = folder.join(format!("new-{}", std::process::id()));
        let filled = || -> io::Result<()> {
            fs::copy(built, &fresh)?;
            File::open(&fresh)?.sync_all()?;
            fs::rename(&fresh, &kept)
        };
        filled().inspect_err(|_| drop(fs::remove_file(&fresh)))?;
        Ok(kept)
    };
    kept().with_context(|| format!("cannot keep {} in {}", built.display(), folder.display()))
}

/// A failure costs room, nothing else.
fn prune(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut all: Vec<(SystemTime, PathBuf)> =
        entries.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
    all.sort();
    let old = all.len().saturating_sub(KEPT - 1);
    for (kept_at, path) in all.into_iter().take(old) {
        if kept_at.elapsed().is_ok_and(|age| age > FRESH) {
            drop(fs::remove_file(path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_build_does_not_touch_what_a_release_uses_and_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let (built, kept) = (folder.path().join("migrate"), folder.path().join("kept"));
        let kept_as = |text: &str| {
            fs::write(&built, text).unwrap();
            keep(&kept, &built).unwrap()
        };
        let first = kept_as("first");
        let second = kept_as("second");
        assert_eq!(fs::read_to_string(&first).unwrap(), "first");
        assert_ne!(first, second);
        assert_eq!(kept_as("first"), first, "the same bytes are kept once");
        kept_as("third");
        assert!(first.exists() && second.exists(), "they were kept a moment ago");
        let old = SystemTime::now() - FRESH * 2;
        File::options().append(true).open(&second).unwrap().set_modified(old).unwrap();
        kept_as("fourth");
        assert!(first.exists() && !second.exists());
    }
}
