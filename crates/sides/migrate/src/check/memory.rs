//! What earlier checks found, so that unchanged migrations need not be tried again.
//!
//! A finding is remembered for exactly what decided it: every migration up to its own, the build of this program, the
//! scratch server's version and extensions, the live roles that the migrations name, and what the live database has
//! beside the migrations. Only what may run as it is is remembered, and only of a private server: another's settings
//! are not known.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use sha2::{Digest as _, Sha256};

use super::Checked;
use crate::{
    Migration,
    shadow::{Place, texts},
};

/// Who checks once a month has little to remember.
const OLD: Duration = Duration::from_secs(30 * 24 * 3600);

/// The findings for one program, server and set of roles.
#[derive(Debug)]
pub(crate) struct Memory {
    file: PathBuf,
    known: BTreeMap<String, Checked>,
    is_changed: bool,
}

impl Memory {
    /// Reads it. None where there is no folder of this user's own, or the place is not private.
    pub(crate) fn open(place: &Place, all: &[Migration]) -> Option<Self> {
        let folder = folder()?;
        let mut base = Sha256::new();
        base.update(build().ok()?);
        base.update(place.identity(&texts(all, &[]))?);
        Some(Self::at(folder.join(format!("{}.json", hex::encode(base.finalize())))))
    }

    fn at(file: PathBuf) -> Self {
        // A file that cannot be read is as good as none.
        let known =
            fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { file, known, is_changed: false }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Checked> {
        self.known.get(key)
    }

    /// Keeps what may run as it is.
    pub(crate) fn keep(&mut self, key: &str, found: &Checked) {
        let is_plain =
            found.problems.is_empty() && found.statements.iter().all(|one| one.class.refused.is_none());
        if is_plain {
            self.known.insert(key.to_owned(), found.clone());
            self.is_changed = true;
        }
    }

    /// Writes it, without what these migrations no longer need. A failure costs the next check some time.
    pub(crate) fn save(mut self, keys: &[String]) -> io::Result<()> {
        if !self.is_changed {
            return Ok(());
        }
        self.known.retain(|key, _| keys.contains(key));
        let folder = self.file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        forget_old(folder)?;
        let own = self.file.with_extension(format!("{}.new", std::process::id()));
        fs::write(&own, serde_json::to_vec(&self.known)?)?;
        fs::rename(own, &self.file)
    }
}

/// The key of each migration: itself, all before it, and where what is pending begins.
pub(crate) fn keys(all: &[Migration], first_wanted: usize) -> Vec<String> {
    let mut digest = Sha256::new();
    let mut keys = Vec::new();
    for (number, one) in all.iter().enumerate() {
        let metadata =
            format!("{:?} {:?} {}", one.metadata(), one.asks_for_transaction(), number == first_wanted);
        for part in [one.name(), one.up(), one.down().unwrap_or("\u{0}"), &metadata] {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        keys.push(hex::encode(digest.clone().finalize()));
    }
    keys
}

/// The program that checks: a new build judges anew.
fn build() -> io::Result<String> {
    let program = std::env::current_exe()?;
    let about = fs::metadata(&program)?;
    Ok(format!("{} {:?} {:?}", program.display(), about.len(), about.modified()?))
}

/// Beside the scratch servers, never where others can write.
fn folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = variable("SIDES_SCRATCH_DIR");
    let cache = || variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    Some(own.or_else(|| cache().map(|cache| cache.join("sides/scratch")))?.join("checked"))
}

fn forget_old(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let age = entry.metadata().and_then(|about| about.modified());
        if age.is_ok_and(|then| SystemTime::now().duration_since(then).is_ok_and(|age| age > OLD)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::Phase;

    fn lane(texts: &[&str]) -> Vec<Migration> {
        texts.iter().enumerate().map(|(place, up)| Migration::new(format!("{place}_m"), *up, "")).collect()
    }

    #[test]
    fn a_key_is_of_everything_that_decides() {
        let all = lane(&["A", "B", "C"]);
        let first = keys(&all, 0);
        assert_eq!(first, keys(&all, 0));
        assert!(first.iter().zip(keys(&all, 1)).any(|(one, two)| *one != two));
        let edited = keys(&lane(&["A", "X", "C"]), 0);
        assert!(first[0] == edited[0] && first[1] != edited[1] && first[2] != edited[2]);
        let mut with = all.clone();
        with[2] = with[2].clone().with_metadata("run_in_transaction = false").unwrap();
        let with = keys(&with, 0);
        assert!(first[1] == with[1] && first[2] != with[2]);
        assert_ne!(keys(&lane(&["AB", "C"]), 0)[1], keys(&lane(&["A", "BC"]), 0)[1]);
    }

    #[test]
    fn what_is_refused_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("checked/a.json");
        let plain = Checked {
            name: "1_m".to_owned(),
            phase: Phase::Expand,
            statements: Vec::new(),
            problems: Vec::new(),
        };
        let refused = Checked { problems: vec!["no".to_owned()], ..plain.clone() };
        let mut memory = Memory::at(file.clone());
        memory.keep("a", &plain);
        memory.keep("b", &refused);
        memory.keep("old", &plain);
        memory.save(&["a".to_owned(), "b".to_owned()]).unwrap();
        let memory = Memory::at(file.clone());
        assert!(memory.get("a").is_some() && memory.get("b").is_none() && memory.get("old").is_none());
        fs::write(&file, "{").unwrap();
        assert!(Memory::at(file).get("a").is_none());
    }
}
