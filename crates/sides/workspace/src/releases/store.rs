//! `.sides/releases/`: one folder for each process and digest, with the program and what is known of it. The small files
//! beside them, which say what runs, are in [`super::state`].

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Context as _;
use platform::local::write_private;

use super::{
    Digest, Record, Set,
    leftovers::{self, FRESH},
    schema_program,
};
use crate::{Workspace, inputs::Inputs};

/// What is known of a release, beside its program.
const RECORD: &str = "release.json";

/// How many releases of a process are kept beside the one that runs and the one before.
const SPARE: usize = 5;

/// The builds that a workspace keeps, and what is known of them.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) folder: PathBuf,
}

impl Store {
    /// Opens it, and makes it when it is not there.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn open(workspace: &Workspace) -> anyhow::Result<Self> {
        workspace.create_folders()?;
        let folder = workspace.releases_folder();
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        leftovers::sweep(&folder);
        Ok(Self { folder })
    }

    /// The store, when something was kept already; makes nothing.
    pub fn existing(workspace: &Workspace) -> Option<Self> {
        Some(Self { folder: workspace.releases_folder() }).filter(|store| store.folder.is_dir())
    }

    /// Where the host of this workspace has its control socket.
    pub fn run_folder(&self) -> PathBuf {
        self.folder.with_file_name("run")
    }

    /// Keeps a program that was just built. One that is kept already learns what it was built from this time.
    pub fn keep(&self, process: &str, record: &Record, built: &Path) -> anyhow::Result<Digest> {
        let program = record.program.rsplit('/').next().unwrap_or(&record.program);
        let keep = || -> io::Result<Digest> {
            let words = std::iter::once(&record.program).chain(&record.arguments).map(String::as_str);
            let digest = Digest::of(built, &words.collect::<Vec<_>>())?;
            let kept = self.path_of(process, &digest);
            let text = serde_json::to_string_pretty(record)?;
            if kept.join(program).exists() {
                write_private(&kept.join(RECORD), &text)?;
                return Ok(digest);
            }
            fs::create_dir_all(self.folder.join(process))?;
            let fresh = self.folder.join(process).join(format!("{FRESH}{}", std::process::id()));
            match fs::remove_dir_all(&fresh) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            leftovers::ask_for_room(&self.folder, fs::metadata(built)?.len())?;
            fs::create_dir(&fresh)?;
            let filled = || -> io::Result<()> {
                fs::copy(built, fresh.join(program))?;
                fs::File::open(fresh.join(program))?.sync_all()?;
                write_private(&fresh.join(RECORD), &text)?;
                fs::rename(&fresh, &kept)
            };
            // Half a build is worth nothing, and would keep a full disk full.
            filled().inspect_err(|_| drop(fs::remove_dir_all(&fresh)))?;
            Ok(digest)
        };
        keep().with_context(|| format!("cannot store {} in {}", built.display(), self.folder.display()))
    }

    /// Keeps the program that changes the schema, for as long as a release may need it; where it is kept.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn keep_schema_program(&self, built: &Path) -> anyhow::Result<PathBuf> {
        schema_program::keep(&self.run_folder().join("schema"), built)
    }

    /// The folder with the program of a release, if it is kept.
    pub fn find(&self, process: &str, digest: &Digest) -> Option<PathBuf> {
        Some(self.path_of(process, digest)).filter(|path| path.is_dir())
    }

    /// What is known of a kept release; nothing of one that was kept by an older `sides` or put here by another place.
    pub fn record(&self, process: &str, digest: &Digest) -> Option<Record> {
        let text = fs::read_to_string(self.path_of(process, digest).join(RECORD)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Every kept release, of whichever process, whose digest begins so.
    pub fn find_any(&self, digest: &str) -> Vec<(String, Digest)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let processes = entries
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().into_string().ok());
        let mut found: Vec<(String, Digest)> = processes
            .flat_map(|process| {
                let digests = self.starting_with(&process, digest);
                digests.into_iter().map(move |digest| (process.clone(), digest))
            })
            .collect();
        found.sort();
        found
    }

    /// Every kept release of a process whose digest begins so.
    pub fn starting_with(&self, process: &str, digest: &str) -> Vec<Digest> {
        let entries = fs::read_dir(self.folder.join(process)).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| name.starts_with(digest)).filter_map(|name| Digest::parse(&name)).collect()
    }

    /// The kept release that was built from exactly these inputs.
    pub fn built_from(&self, process: &str, inputs: &Inputs) -> Option<Digest> {
        let is_it = |digest: &Digest| {
            self.record(process, digest).is_some_and(|one| one.inputs.as_ref() == Some(inputs))
        };
        self.starting_with(process, "").into_iter().find(is_it)
    }

    /// The program of a kept release: as its record names it, or as its process, or else the only file there.
    ///
    /// # Errors
    /// When it is not kept any more.
    pub fn program(&self, process: &str, digest: &Digest) -> anyhow::Result<PathBuf> {
        let folder = self.find(process, digest);
        let folder = folder.with_context(|| {
            format!("{process} {digest} is no longer kept here: release it again with `sides release`")
        })?;
        let recorded = self.record(process, digest).map(|record| record.program);
        for name in recorded.iter().filter_map(|program| program.rsplit('/').next()).chain([process]) {
            let named = folder.join(name);
            if named.is_file() {
                return Ok(named);
            }
        }
        let entry =
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?.next();
        let entry = entry.with_context(|| format!("{} is empty: remove it", folder.display()))?;
        Ok(entry.with_context(|| format!("cannot read {}", folder.display()))?.path())
    }

    /// Removes old releases of a process; those in `sets`, and what a rollback may go to, stay. A failure costs room, nothing else.
    pub fn prune(&self, process: &str, sets: &[&Set]) {
        let Ok(entries) = fs::read_dir(self.folder.join(process)) else { return };
        // What is not known is not removed.
        let Ok(history) = self.history() else { return };
        let sets: Vec<&Set> = sets.iter().copied().chain(history.worth_keeping()).collect();
        let needed = |name: &str| {
            sets.iter().any(|set| set.get(process).is_some_and(|digest| digest.as_str() == name))
        };
        let mut spare: Vec<(SystemTime, PathBuf)> = entries
            .flatten()
            .filter(|entry| {
                entry.file_name().to_str().is_some_and(|name| !needed(name) && !name.starts_with(FRESH))
            })
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        spare.sort();
        let old = spare.len().saturating_sub(SPARE);
        for (_, path) in spare.into_iter().take(old) {
            drop(fs::remove_dir_all(path));
        }
    }

    fn path_of(&self, process: &str, digest: &Digest) -> PathBuf {
        self.folder.join(process).join(digest.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{
        super::{Interrupted, Seen},
        *,
    };

    fn record(text: &str) -> Record {
        let settings = BTreeMap::from([("text".to_owned(), text.to_owned())]);
        Record {
            program: "web".to_owned(),
            arguments: Vec::new(),
            commit: None,
            dirty: false,
            built_at: chrono::Utc::now(),
            inputs: Some(Inputs { settings, ..Inputs::default() }),
        }
    }

    #[test]
    fn what_runs_and_what_may_run_again_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::find(Some(folder.path())).unwrap();
        let store = Store::open(&workspace).unwrap();
        let build = |text: &str| {
            let built = folder.path().join("built");
            fs::write(&built, text).unwrap();
            store.keep("web", &record(text), &built).unwrap()
        };
        let first = build("first");
        assert_eq!(build("first"), first, "the same bytes are the same release");
        assert_eq!(store.starting_with("web", &first.as_str()[..12]), std::slice::from_ref(&first));
        let inputs = record("first").inputs.unwrap();
        assert_eq!(store.built_from("web", &inputs), Some(first.clone()));
        assert_eq!(store.built_from("web", &Inputs::default()), None);
        let running = Set::from([("web".to_owned(), first.clone())]);
        for number in 0..10 {
            build(&number.to_string());
        }
        store.prune("web", &[&running]);
        let file = store.find("web", &first).unwrap().join("web");
        assert_eq!(fs::read_to_string(file).unwrap(), "first");
        let kept = fs::read_dir(workspace.releases_folder().join("web")).unwrap().count();
        assert_eq!(kept, SPARE + 1);
        store.set_running(&running).unwrap();
        assert_eq!(store.running().unwrap(), running);
        store.set_interrupted(Some(&Interrupted::new(Set::new(), running.clone()))).unwrap();
        assert_eq!(store.interrupted().unwrap().unwrap().to, running);
        store.settle(&Set::from([("web".to_owned(), build("half"))])).unwrap();
        assert!(store.interrupted().unwrap().is_some(), "half done is not done");
        store.settle(&running).unwrap();
        assert_eq!(store.interrupted().unwrap(), None);
        assert_eq!(store.history().unwrap().last_good_beside(&Set::new()), Some(&running));
        let number = store.begin(&running).unwrap();
        store.judge(number, Seen::Failed).unwrap();
        assert_eq!(store.history().unwrap().find(number).unwrap().seen, Seen::Failed);
    }
}
