//! What a running release was built from.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::runs::Running;
use crate::git::{NoGit, Repository};
use workspace::{
    inputs::{Inputs, Sources},
    releases::{DIRTY, Digest, Store},
};

/// Where to look for it: in the store, where builds of this machine are kept, or else in git.
pub(super) struct Baselines<'a> {
    repository: Result<&'a Repository, &'a NoGit>,
    store: Option<&'a Store>,
    toolchain: &'a str,
    /// Compare with this commit, whatever runs.
    since: Option<String>,
    /// The processes to ask a commit for.
    processes: Vec<String>,
    /// What was read of commits: by process.
    commits: BTreeMap<String, BTreeMap<String, Inputs>>,
    /// The newest commit that something was compared with.
    newest: Option<String>,
}

/// What was found.
pub(super) struct Baseline {
    pub(super) commit: Option<String>,
    /// Why it is not known from what it was built.
    pub(super) inputs: Result<Inputs, String>,
}

impl<'a> Baselines<'a> {
    pub(super) fn new(
        repository: Result<&'a Repository, &'a NoGit>,
        store: Option<&'a Store>,
        toolchain: &'a str,
        processes: Vec<String>,
    ) -> Self {
        Self { repository, store, toolchain, since: None, processes, commits: BTreeMap::new(), newest: None }
    }

    /// Compares with a commit that a person names.
    pub(super) fn compare_with(&mut self, name: &str) -> anyhow::Result<()> {
        let repository = self.repository.map_err(Clone::clone)?;
        let commit = repository.resolve(name).with_context(|| match repository.is_shallow() {
            true => format!("{name} is not a commit in this clone, which is shallow: fetch the full history"),
            false => format!("{name} is not a commit in this repository"),
        })?;
        self.since = Some(commit);
        Ok(())
    }

    /// A commit that was compared with, to ask git what changed since.
    pub(super) fn commit(&self) -> Option<&str> {
        self.newest.as_deref()
    }

    /// The inputs of a process at the commit that a person named.
    pub(super) fn named(&mut self, process: &str) -> Option<Baseline> {
        let commit = self.since.clone()?;
        Some(self.at(process, commit, None))
    }

    /// The inputs of a release that runs.
    pub(super) fn of(&mut self, process: &str, running: &Running) -> Baseline {
        if let Some((commit, inputs)) = self.kept(process, &running.release) {
            if let Some(commit) = commit.as_ref().filter(|commit| self.is_here(commit)) {
                self.newest = Some(commit.clone());
            }
            return Baseline { commit, inputs: Ok(inputs) };
        }
        let unknown = |commit: Option<&str>, why: String| Baseline {
            commit: commit.map(str::to_owned),
            inputs: Err(why),
        };
        // Where no store names releases by digest they are often named by their commit.
        let named = || Some(running.release.as_str()).filter(|name| self.is_here(name));
        let Some(commit) = running.commit.as_deref().or_else(named) else {
            return unknown(None, "the running build does not say which commit it was built from".to_owned());
        };
        if let Some(clean) = commit.strip_suffix(DIRTY) {
            let why = format!("the running build was built from {} with uncommitted changes", short(clean));
            return unknown(Some(commit), why);
        }
        self.at(process, commit.to_owned(), running.toolchain.as_deref())
    }

    /// From the store: digests of instances elsewhere are cut short.
    fn kept(&self, process: &str, release: &str) -> Option<(Option<String>, Inputs)> {
        let store = self.store?;
        let digest: Digest = store.starting_with(process, release).into_iter().next()?;
        let record = store.record(process, &digest)?;
        Some((record.origin(), record.inputs?))
    }

    fn is_here(&self, commit: &str) -> bool {
        self.repository.is_ok_and(|repository| repository.resolve(commit).is_some())
    }

    fn at(&mut self, process: &str, commit: String, toolchain: Option<&str>) -> Baseline {
        let inputs = self.read(process, &commit, toolchain);
        if inputs.is_ok() {
            self.newest = Some(commit.clone());
        }
        Baseline { commit: Some(commit), inputs }
    }

    fn read(&mut self, process: &str, commit: &str, toolchain: Option<&str>) -> Result<Inputs, String> {
        let repository = self.repository.map_err(ToString::to_string)?;
        let Some(full) = repository.resolve(commit) else {
            return Err(match repository.is_shallow() {
                true => format!(
                    "the running build was built from {}, which this shallow clone lacks: fetch the full history",
                    short(commit)
                ),
                false => format!(
                    "the running build was built from {}, which this repository does not have: fetch it",
                    short(commit)
                ),
            });
        };
        if !self.commits.contains_key(&full) {
            let tree = repository.tree(&full).map_err(|error| format!("cannot read from git: {error}"))?;
            let sources = Sources::of(&tree);
            let of = |name: &String| Some((name.clone(), sources.inputs(name, self.toolchain)?));
            let all = self.processes.iter().filter_map(of).collect();
            self.commits.insert(full.clone(), all);
        }
        let mut inputs = self.commits.get(&full).and_then(|all| all.get(process)).cloned();
        // Which compiler a commit was built with is known only when what runs says so.
        if let (Some(inputs), Some(toolchain)) = (&mut inputs, toolchain) {
            inputs.settings.insert("toolchain".to_owned(), toolchain.to_owned());
        }
        inputs.ok_or_else(|| format!("{} has no program for Procfile.{process}", short(commit)))
    }
}

/// As much of a commit as people compare.
pub fn short(commit: &str) -> String {
    let (name, rest) = commit.strip_suffix(DIRTY).map_or((commit, ""), |name| (name, DIRTY));
    format!("{}{rest}", name.get(..8).unwrap_or(name))
}
