//! The running builds: on this machine's host, and of every instance with a heartbeat in the database.

use std::{collections::BTreeMap, time::Duration};

use database::DatabaseUrl;
use platform::procfile::Procfile;
use schema::instances::{self, Instance};
use tokio::time;

use crate::places::{self, Places};
use workspace::{
    Workspace, control,
    releases::{Digest, Set, Store},
};

/// A plan is useful without the database: it is not waited for long.
const LIMIT: Duration = Duration::from_secs(3);

/// What an instance calls its release that was told none.
const UNNAMED: &str = "dev";

/// A release that runs, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its digest, or as much of it as an instance was told.
    pub release: String,
    /// The commit that it was built from, where it says so.
    pub commit: Option<String>,
    /// The compiler that it was built with, where it says so.
    pub toolchain: Option<String>,
}

#[derive(Default)]
pub(super) struct Runs {
    by_process: BTreeMap<String, Vec<Running>>,
    /// What a release would find: what this machine's host runs, or would run, and what the other places run.
    pub(super) kept: Set,
    /// None when they did not say what they run.
    pub(super) places: Option<Places>,
}

impl Runs {
    pub(super) async fn look(
        workspace: &Workspace,
        url: Option<&DatabaseUrl>,
        notes: &mut Vec<String>,
    ) -> anyhow::Result<Self> {
        let here = local(workspace, notes).await?;
        let (kept, places) = match everywhere(workspace, &here).await {
            Ok((kept, places)) => (kept, Some(places)),
            Err(error) => {
                let text = format!(
                    "it is not known what is running at the places of deploy/targets.toml: \
                                    {error:#}"
                );
                notes.push(text);
                (here, None)
            }
        };
        let mut runs = Self { kept, places, ..Self::default() };
        for (process, digest) in &runs.kept {
            let running = Running { release: digest.as_str().to_owned(), commit: None, toolchain: None };
            runs.by_process.entry(process.clone()).or_default().push(running);
        }
        let Some(url) = url else {
            notes.push(
                "DATABASE_URL is not set: it is not known what is running on other machines, or which migrations \
                 are applied"
                    .to_owned(),
            );
            return Ok(runs);
        };
        match time::timeout(LIMIT, instances(url)).await {
            Ok(Ok(found)) => {
                for (process, running) in found {
                    runs.add(process, running, notes);
                }
            }
            Ok(Err(error)) => notes.push(format!("cannot read from the database what is running: {error:#}")),
            Err(_) => {
                notes.push(format!("the database did not say within {} s what is running", LIMIT.as_secs()));
            }
        }
        Ok(runs)
    }

    /// The releases of a process that run.
    pub(super) fn of(&self, process: &str) -> Vec<Running> {
        self.by_process.get(process).cloned().unwrap_or_default()
    }

    /// Processes that run although no Procfile names them.
    pub(super) fn without_procfile(&self, procfiles: &[Procfile]) -> Vec<&str> {
        let is_known = |name: &&str| procfiles.iter().any(|procfile| procfile.name == **name);
        self.by_process.keys().map(String::as_str).filter(|name| !is_known(name)).collect()
    }

    /// An instance that was heard of: the same release as one that is known, or another.
    fn add(&mut self, process: String, heard: Running, notes: &mut Vec<String>) {
        if heard.release == UNNAMED {
            let note = format!(
                "a {process} is running that was not released (started by dev or by hand); it is not compared"
            );
            if !notes.contains(&note) {
                notes.push(note);
            }
            return;
        }
        let known = self.by_process.entry(process).or_default();
        match known.iter_mut().find(|one| one.release.starts_with(&heard.release)) {
            Some(one) => {
                one.commit = one.commit.take().or(heard.commit);
                one.toolchain = one.toolchain.take().or(heard.toolchain);
            }
            None => known.push(heard),
        }
    }
}

async fn everywhere(workspace: &Workspace, here: &Set) -> anyhow::Result<(Set, Places)> {
    places::answer(async {
        let places = Places::read(workspace).await?;
        Ok((places.running(here).await?, places))
    })
    .await
}

async fn local(workspace: &Workspace, notes: &mut Vec<String>) -> anyhow::Result<Set> {
    match control::status(workspace).await {
        Ok(Some(status)) if status.is_host => {
            let releases = status.releases.iter();
            return Ok(releases
                .filter_map(|(name, digest)| Some((name.clone(), Digest::parse(digest)?)))
                .collect());
        }
        Ok(Some(_)) => {
            notes.push("dev is running here: its builds are not released, and are not compared".to_owned());
            return Ok(Set::new());
        }
        Ok(None) => {}
        Err(error) => notes.push(format!("the host here does not answer: {error}")),
    }
    let Some(store) = Store::existing(workspace) else { return Ok(Set::new()) };
    let last = store.running()?;
    if !last.is_empty() {
        notes.push("no host is running here: compared with what it would run".to_owned());
    }
    Ok(last)
}

async fn instances(url: &DatabaseUrl) -> anyhow::Result<Vec<(String, Running)>> {
    let mut connection = database::connect(&url.with_application_name("sides plan")).await?;
    if !instances::exist(&mut connection).await? {
        return Ok(Vec::new());
    }
    let alive = instances::alive(&mut connection).await?;
    Ok(alive.into_iter().map(running).collect())
}

fn running(one: Instance) -> (String, Running) {
    let (commit, toolchain) = (one.said("commit"), one.said("toolchain"));
    (one.process, Running { release: one.release, commit, toolchain })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_is_heard_tells_more_of_a_release_that_is_known() {
        let heard = |release: &str, commit: &str| Running {
            release: release.to_owned(),
            commit: Some(commit.to_owned()),
            toolchain: None,
        };
        let full = "ab".repeat(32);
        let mut runs = Runs::default();
        let known = Running { release: full.clone(), commit: None, toolchain: None };
        runs.by_process.insert("web".to_owned(), vec![known]);
        let mut notes = Vec::new();
        runs.add("web".to_owned(), heard("abababababab", "c0ffee"), &mut notes);
        assert_eq!(runs.of("web"), [heard(&full, "c0ffee")]);
        runs.add("web".to_owned(), heard("cdcdcdcdcdcd", "beef"), &mut notes);
        assert_eq!(runs.of("web").len(), 2, "another release of it runs too");
        assert_eq!(notes, [""; 0]);
        runs.add("web".to_owned(), heard("dev", "beef"), &mut notes);
        assert_eq!((runs.of("web").len(), notes.len()), (2, 1));
    }
}
