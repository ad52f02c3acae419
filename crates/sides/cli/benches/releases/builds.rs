//! Builds, good ones and bad ones, in the store that `sides release` takes them from.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use deploy::drill::list::Drill;
use workspace::releases::{Digest, Record, Store};

pub(crate) struct Builds {
    pub(crate) store: Store,
    folder: PathBuf,
    programs: PathBuf,
    number: u32,
}

impl Builds {
    /// Of the programs in a folder; what they need beside the store lies in another one.
    pub(crate) fn new(store: Store, folder: &Path, programs: &Path) -> Self {
        Self { store, folder: folder.to_owned(), programs: programs.to_owned(), number: 0 }
    }

    /// A build that differs by some bytes from every other.
    pub(crate) fn good(&mut self, process: &str) -> anyhow::Result<Digest> {
        self.number += 1;
        let mut bytes = fs::read(self.programs.join(process))?;
        bytes.extend(self.number.to_le_bytes());
        self.keep(process, &bytes)
    }

    /// A build that is good until its moment comes; there is another one for each round.
    pub(crate) fn bad(&mut self, process: &str, drill: &Drill, good: &Digest) -> anyhow::Result<Digest> {
        let moment = self.moment(drill);
        if moment.exists() {
            fs::remove_file(&moment)?;
        }
        let program = self.store.program(process, good)?;
        let script = format!(
            "#!/bin/sh\n# {}\nexec '{}' stand-in --fault {} --when '{}' --program '{}' -- \"$@\"\n",
            self.number,
            env!("CARGO_BIN_EXE_sides"),
            drill.fault,
            moment.display(),
            program.display()
        );
        self.keep(process, script.as_bytes())
    }

    fn keep(&self, process: &str, bytes: &[u8]) -> anyhow::Result<Digest> {
        let file = self.folder.join("built");
        fs::write(&file, bytes)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        let record = Record {
            program: process.to_owned(),
            arguments: Vec::new(),
            commit: None,
            dirty: false,
            built_at: chrono::Utc::now(),
            inputs: None,
        };
        self.store.keep(process, &record, &file)
    }

    pub(crate) fn moment(&self, drill: &Drill) -> PathBuf {
        self.folder.join(format!("{}.when", drill.name))
    }
}
