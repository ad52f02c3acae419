//! The small files of `.sides/releases/` that say which builds run, what was seen of them, and which release goes on.
//!
//! Every file is replaced in one step, so a kill at any moment leaves the old or the new text.

use std::{collections::BTreeMap, fs, io};

use anyhow::Context as _;
use platform::local::write_private;
use serde::{Serialize, de::DeserializeOwned};

use super::{History, Interrupted, Seen, Set, Store};

impl Store {
    /// What the host runs, or would run.
    pub fn running(&self) -> anyhow::Result<Set> {
        Ok(self.read("running.json")?.unwrap_or_default())
    }

    /// Writes down what shall run.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn set_running(&self, set: &Set) -> anyhow::Result<()> {
        self.write("running.json", Some(set))
    }

    /// How many instances of each process are wanted; one of those that are not named.
    pub fn counts(&self) -> anyhow::Result<BTreeMap<String, u32>> {
        Ok(self.read("counts.json")?.unwrap_or_default())
    }

    /// Writes down how many instances of each process shall run.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn set_counts(&self, counts: &BTreeMap<String, u32>) -> anyhow::Result<()> {
        self.write("counts.json", Some(counts))
    }

    /// The digests of the canaries that stand beside what runs, by process.
    pub fn canaries(&self) -> anyhow::Result<BTreeMap<String, String>> {
        Ok(self.read("canaries.json")?.unwrap_or_default())
    }

    /// Writes down which canaries there are.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn set_canaries(&self, canaries: &BTreeMap<String, String>) -> anyhow::Result<()> {
        self.write("canaries.json", Some(canaries).filter(|canaries| !canaries.is_empty()))
    }

    /// The sets that were released, and what was seen of them.
    pub fn history(&self) -> anyhow::Result<History> {
        if let Some(history) = self.read("history.json")? {
            return Ok(history);
        }
        let running = match self.interrupted()? {
            Some(interrupted) => interrupted.from,
            None => self.running()?,
        };
        Ok(History::of_older(self.read("before.json")?, running, chrono::Utc::now()))
    }

    /// Notes that a set is about to be put in place; its number.
    pub fn begin(&self, set: &Set) -> anyhow::Result<u64> {
        let mut history = self.history()?;
        let number = history.begin(set.clone(), chrono::Utc::now());
        self.write("history.json", Some(&history))?;
        Ok(number)
    }

    /// Notes that a set which was seen good answers badly now.
    pub fn doubt(&self, set: &Set) -> anyhow::Result<()> {
        let mut history = self.history()?;
        history.doubt(set);
        self.write("history.json", Some(&history))
    }

    /// Notes what was seen of it.
    pub fn judge(&self, number: u64, seen: Seen) -> anyhow::Result<()> {
        let mut history = self.history()?;
        history.judge(number, seen);
        self.write("history.json", Some(&history))
    }

    /// The release that was interrupted, if one was.
    pub fn interrupted(&self) -> anyhow::Result<Option<Interrupted>> {
        self.read("interrupted.json")
    }

    /// Says that a release begins, or (with none) that it has come to an end.
    pub fn set_interrupted(&self, release: Option<&Interrupted>) -> anyhow::Result<()> {
        self.write("interrupted.json", release)
    }

    /// Ends the story of a release that was interrupted when `running` is all that it wanted, or all that was before.
    pub fn settle(&self, running: &Set) -> anyhow::Result<()> {
        let Some(interrupted) = self.interrupted()? else { return Ok(()) };
        if *running != interrupted.to && *running != interrupted.from {
            return Ok(());
        }
        self.set_interrupted(None)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> anyhow::Result<Option<T>> {
        let path = self.folder.join(name);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let value = serde_json::from_str(&text);
        Ok(Some(
            value.with_context(|| format!("{} is damaged: remove it, and release again", path.display()))?,
        ))
    }

    fn write<T: Serialize>(&self, name: &str, value: Option<&T>) -> anyhow::Result<()> {
        let path = self.folder.join(name);
        let written = match value {
            Some(value) => write_private(&path, &serde_json::to_string_pretty(value)?),
            None => match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        };
        written.with_context(|| format!("cannot write {}", path.display()))
    }
}
