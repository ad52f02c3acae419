//! What happens to children when their supervisor dies, and what is written down of those that live on.
//!
//! Those of a `dev` die with it. Those of a host live on, and its successor adopts them: they say by their own
//! environment which instance they are, so that what runs is seen and not remembered. Beside that each instance has three small
//! files: what it printed and nobody has read yet, how far it was read, and a note.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{private::write_private, status::instance_id};

/// The variable that names an instance, as `worker.3`, in its own environment.
pub(super) const INSTANCE_VARIABLE: &str = "SIDES_INSTANCE";
/// Its former name: builds and hosts of before still ask for it.
pub(super) const FORMER_INSTANCE_VARIABLE: &str = "SIDES_COPY";
/// The variable with its whole release.
pub(super) const RELEASE_VARIABLE: &str = "SIDES_RELEASE";

/// The folder with the files of instances, and what it was called before.
const FOLDER: &str = "instances";
const FORMER_FOLDER: &str = "copies";

/// How long children live.
#[derive(Debug, Clone)]
pub enum Lifetime {
    /// As long as their supervisor, however that dies. It reads what they print from pipes.
    Together,
    /// Until they are asked to end. They print into files, so that nobody who reads them is missed.
    Outliving {
        /// The run folder of the workspace, which the children know as `SIDES_HOST`.
        run_folder: PathBuf,
        /// Where their logs go.
        logs: PathBuf,
    },
}

/// What a successor cannot see of an instance by looking at it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The process of this instance.
    pub(super) pid: Option<u32>,
    /// How often it was started again.
    pub(super) restarts: u32,
    /// It was asked to end, and must not be asked twice: a second signal ends it hard.
    pub(super) leaves: bool,
}

/// The files of one instance.
#[derive(Debug, Clone)]
pub(super) struct InstanceFiles {
    folder: PathBuf,
    name: String,
}

impl InstanceFiles {
    pub(super) fn of(run_folder: &Path, process: &str, instance: u64) -> Self {
        Self { folder: folder(run_folder), name: instance_id(process, instance) }
    }

    /// The instance's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The file that the instance prints into, for one more writer.
    pub(super) fn output(&self) -> io::Result<File> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        OpenOptions::new().append(true).create(true).mode(0o600).open(self.path("out"))
    }

    /// The same file, to read and to give its room back.
    pub(super) fn printed(&self) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(self.path("out"))
    }

    /// How far its output was read: a number of bytes.
    pub(super) fn position(&self) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.path("read"))
    }

    /// An unreadable note is none: what runs can still be seen.
    pub(super) fn note(&self) -> Note {
        let text = fs::read_to_string(self.path("note")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// A note that cannot be written costs a successor a second signal, and nobody a request.
    pub(super) fn write_note(&self, note: &Note) {
        if let Ok(text) = serde_json::to_string(note) {
            drop(write_private(&self.path("note"), &text));
        }
    }

    /// Forgets the instance.
    pub(super) fn remove(&self) {
        for kind in ["out", "read", "note"] {
            drop(fs::remove_file(self.path(kind)));
        }
    }

    /// Not an extension: the number behind the dot is part of the name.
    fn path(&self, kind: &str) -> PathBuf {
        self.folder.join(format!("{}.{kind}", self.name))
    }
}

/// Where the files of instances are. Until a host of this version begins, those of a former one are where it put them.
fn folder(run_folder: &Path) -> PathBuf {
    let (folder, former) = (run_folder.join(FOLDER), run_folder.join(FORMER_FOLDER));
    if !folder.exists() && former.is_dir() { former } else { folder }
}

/// Takes over the files of a former version's instances, which go on writing into them.
pub(super) fn move_former_folder(run_folder: &Path) -> io::Result<()> {
    let folder = run_folder.join(FOLDER);
    if folder.exists() {
        return Ok(());
    }
    match fs::rename(run_folder.join(FORMER_FOLDER), folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Every instance whose files are still here, running or not.
pub(super) fn instances_with_files(run_folder: &Path) -> BTreeSet<(String, u64)> {
    let Ok(entries) = fs::read_dir(folder(run_folder)) else { return BTreeSet::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let instances = names.filter_map(|name| {
        let (instance, _kind) = name.rsplit_once('.')?;
        let (process, number) = instance.rsplit_once('.')?;
        Some((process.to_owned(), number.parse().ok()?))
    });
    instances.collect()
}
