//! The sources of a build, recorded before and after it: if they changed meanwhile, its origin is unknown.

use std::collections::BTreeMap;

use chrono::Utc;
use platform::procfile::Procfile;

use crate::git::Repository;
use workspace::{
    Workspace,
    inputs::{Folder, Inputs, Sources, Tree, toolchain},
    releases::Record,
};

/// The inputs of some programs at one moment.
pub(super) struct Origin {
    inputs: BTreeMap<String, Inputs>,
    commit: Option<String>,
    /// The programs that the commit alone does not give.
    dirty: Vec<String>,
}

impl Origin {
    pub(super) async fn read(workspace: &Workspace, procfiles: &[Procfile]) -> anyhow::Result<Self> {
        let toolchain = toolchain(workspace.root()).await?;
        let inputs = read(&Folder::new(workspace.root()), procfiles, &toolchain);
        let repository = Repository::find(workspace.root()).ok();
        let commit = repository.as_ref().and_then(|repository| repository.head().commit);
        let mut dirty = Vec::new();
        if let (Some(repository), Some(commit)) = (&repository, &commit) {
            let committed = read(&repository.tree(commit)?, procfiles, &toolchain);
            dirty = inputs.keys().filter(|name| inputs.get(*name) != committed.get(*name)).cloned().collect();
        }
        Ok(Self { inputs, commit, dirty })
    }

    /// What to keep beside the program that was built between this and `after`.
    pub(super) fn record(&self, procfile: &Procfile, after: &Self) -> Record {
        let name = &procfile.name;
        let inputs = self.inputs.get(name).filter(|inputs| after.inputs.get(name) == Some(*inputs)).cloned();
        let is_clean = inputs.is_some() && !self.dirty.contains(name) && !after.dirty.contains(name);
        Record {
            program: procfile.program.clone(),
            arguments: procfile.arguments.clone(),
            commit: self.commit.clone(),
            dirty: !is_clean,
            built_at: Utc::now(),
            inputs,
        }
    }
}

fn read(tree: &impl Tree, procfiles: &[Procfile], toolchain: &str) -> BTreeMap<String, Inputs> {
    let sources = Sources::of(tree);
    let of = |procfile: &Procfile| Some((procfile.name.clone(), sources.inputs(&procfile.name, toolchain)?));
    procfiles.iter().filter_map(of).collect()
}
