//! Read-only questions to git about the workspace.

mod commit;

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use commit::Commit;

use workspace::inputs::Tree;

/// The repository that the workspace lies in.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    root: PathBuf,
    /// The workspace's folder in the repository: empty, or with a `/` at its end.
    prefix: String,
}

/// Why git cannot be asked, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoGit {
    #[error("git is not installed, so there is no commit to compare with")]
    NotInstalled,
    #[error("this directory is not a git repository, so there is no commit to compare with")]
    NoRepository,
    #[error("git failed here: {0}")]
    Refuses(String),
}

/// Where the work tree stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// `None` before the first commit.
    pub commit: Option<String>,
    /// `None` when HEAD is detached.
    pub branch: Option<String>,
}

impl Repository {
    pub(crate) fn find(root: &Path) -> Result<Self, NoGit> {
        let asked = command(root).args(["rev-parse", "--show-prefix"]).output();
        let output = asked.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => NoGit::NotInstalled,
            _ => NoGit::Refuses(error.to_string()),
        })?;
        if output.status.success() {
            let prefix = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
            return Ok(Self { root: root.to_owned(), prefix });
        }
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("not a git repository") {
            return Err(NoGit::NoRepository);
        }
        Err(NoGit::Refuses(said.lines().next().unwrap_or_default().to_owned()))
    }

    pub(crate) fn head(&self) -> Head {
        Head {
            commit: self.resolve("HEAD"),
            branch: self.ask(&["symbolic-ref", "--quiet", "--short", "HEAD"]),
        }
    }

    /// The full name of a commit that is here.
    pub(crate) fn resolve(&self, name: &str) -> Option<String> {
        // A name that begins with a dash would be an option.
        let name = format!("{name}^{{commit}}");
        self.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name])
    }

    /// Whether older commits were never fetched.
    pub(crate) fn is_shallow(&self) -> bool {
        self.ask(&["rev-parse", "--is-shallow-repository"]).as_deref() == Some("true")
    }

    /// What is another in the work tree than in `commit`, untracked files too, from the workspace's root.
    pub(crate) fn changed_since(&self, commit: &str) -> Vec<String> {
        let tracked = self.names(&["diff", "--name-only", "-z", "--no-renames", "--relative", commit, "--"]);
        let untracked = self.names(&["ls-files", "-z", "--others", "--exclude-standard"]);
        let mut all: Vec<String> = tracked.into_iter().chain(untracked).collect();
        all.sort();
        all.dedup();
        all
    }

    /// The files of a commit.
    pub(crate) fn tree(&self, commit: &str) -> io::Result<impl Tree> {
        Commit::open(self, commit)
    }

    fn names(&self, arguments: &[&str]) -> Vec<String> {
        let output = command(&self.root).args(arguments).output();
        let bytes = output.map(|output| output.stdout).unwrap_or_default();
        let names = bytes.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }

    fn ask(&self, arguments: &[&str]) -> Option<String> {
        let output = command(&self.root).args(arguments).output().ok()?;
        let said = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (output.status.success() && !said.is_empty()).then_some(said)
    }
}

fn command(root: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(root).stdin(Stdio::null());
    // A lock that other git commands would meet is not worth a fresher index.
    command.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
    command
}
