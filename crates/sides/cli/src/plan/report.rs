//! All that a plan says, as one value.

use super::{
    guess::{Process, Verdict},
    migrations::Migrations,
    order::Order,
};
use crate::{
    git::{Head, NoGit, Repository},
    outcome::Outcome,
};

#[derive(Debug)]
pub(super) struct Report {
    pub(super) place: Place,
    /// Whether the bytes were asked.
    pub(super) built: bool,
    /// The commit that a person named to compare with.
    pub(super) since: Option<String>,
    pub(super) processes: Vec<Process>,
    /// Changed files that are in no program.
    pub(super) elsewhere: Vec<String>,
    pub(super) migrations: Migrations,
    pub(super) order: Order,
    pub(super) notes: Vec<String>,
}

/// Where the work tree stands.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) head: Head,
    /// Files that are another than in that commit.
    pub(super) uncommitted: usize,
    pub(super) no_git: Option<String>,
}

impl Place {
    pub(super) fn of(repository: &Result<Repository, NoGit>) -> Self {
        match repository {
            Ok(repository) => {
                let head = repository.head();
                let uncommitted =
                    head.commit.as_deref().map_or(0, |commit| repository.changed_since(commit).len());
                Self { head, uncommitted, no_git: None }
            }
            Err(no_git) => Self { no_git: Some(no_git.to_string()), ..Self::default() },
        }
    }
}

impl Report {
    pub(super) fn outcome(&self) -> Outcome {
        let changes = self.processes.iter().any(|process| process.verdict != Verdict::Unchanged);
        match &self.order {
            Order::Refused(_) => Outcome::Refused,
            _ if changes || !self.migrations.pending.is_empty() => Outcome::Done,
            _ => Outcome::NothingToDo,
        }
    }

    /// Guesses that a build has shown to be needless.
    pub(super) fn needless(&self) -> Vec<&str> {
        let needless = self.processes.iter().filter(|process| process.was_needless);
        needless.map(|process| process.name.as_str()).collect()
    }
}
