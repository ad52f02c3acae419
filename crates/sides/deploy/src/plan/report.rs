//! The whole plan as one value.

use super::{
    guess::{Process, Verdict},
    migrations::Migrations,
    order::Order,
};
use crate::git::{Head, NoGit, Repository};
use crate::preflight::Obstacle;
use workspace::Outcome;

/// What a release would do.
#[derive(Debug)]
pub struct Report {
    /// Where the work tree stands.
    pub place: Place,
    /// Whether the bytes were asked.
    pub built: bool,
    /// The commit that a person named to compare with.
    pub since: Option<String>,
    /// Every process with a Procfile.
    pub processes: Vec<Process>,
    /// Changed files that are in no program.
    pub unused_changes: Vec<String>,
    /// What is to be migrated.
    pub migrations: Migrations,
    /// In which order it would go.
    pub order: Order,
    /// What keeps a release from beginning now. Not looked for in a comparison with a commit.
    pub obstacles: Vec<Obstacle>,
    /// What a person should know beside.
    pub notes: Vec<String>,
}

/// Where the work tree stands.
#[derive(Debug, Default)]
pub struct Place {
    /// The commit and the branch.
    pub head: Head,
    /// Files that are another than in that commit.
    pub uncommitted: usize,
    /// Why git cannot be asked.
    pub no_git: Option<String>,
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
    /// What a script should know of it.
    pub fn outcome(&self) -> Outcome {
        let changes = self.processes.iter().any(|process| process.verdict != Verdict::Unchanged);
        match &self.order {
            Order::Refused(_) => Outcome::Refused,
            _ if changes || !self.migrations.pending.is_empty() => Outcome::Done,
            _ => Outcome::NothingToDo,
        }
    }

    /// Guesses that a build has shown to be needless.
    pub fn needless(&self) -> Vec<&str> {
        let needless = self.processes.iter().filter(|process| process.was_needless);
        needless.map(|process| process.name.as_str()).collect()
    }
}
