//! Why there is no private Postgres.

use std::{io, path::PathBuf, process::ExitStatus};

use crate::NoPostgres;

/// Why the private Postgres could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The machine has no Postgres server programs.
    #[error(transparent)]
    Missing(#[from] NoPostgres),
    /// The data was made by a major version that is not installed.
    #[error(
        "the data in {} was made by Postgres {made_by}, but this machine has {}; install Postgres {made_by}, or \
         move that directory away to start with an empty database",
        data.display(), versions(installed)
    )]
    OtherVersion {
        /// The data folder.
        data: PathBuf,
        /// The major version that made it.
        made_by: u32,
        /// The major versions found on this machine.
        installed: Vec<u32>,
    },
    /// A folder or file could not be made or read.
    #[error("cannot {action} {}", path.display())]
    Folder {
        /// What was tried: "create", "lock", …
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// The socket's folder belongs to someone else.
    #[error("{} is not a directory that only {user} can access; remove it", path.display())]
    Untrusted {
        /// The folder.
        path: PathBuf,
        /// Who must own it.
        user: String,
    },
    /// There is no ordinary user that root could start Postgres as.
    #[error(
        "Postgres refuses to run as root, and this machine has neither a user postgres nor nobody; add one: useradd --system postgres"
    )]
    NoOrdinaryUser,
    /// A program of the installation could not be run.
    #[error("cannot run {}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("could not create a new database ({status}):\n{output}")]
    Init {
        /// How it ended.
        status: ExitStatus,
        /// What it said last.
        output: String,
    },
    /// The server ended instead of answering.
    #[error("Postgres did not start; the end of {}:\n{tail}", log.display())]
    Start {
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// The server did not answer in time.
    #[error("Postgres did not answer within {seconds} s; the end of {}:\n{tail}", log.display())]
    Slow {
        /// How long it was waited for.
        seconds: u64,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// A server without an owner does not end.
    #[error("an earlier Postgres (pid {pid}) still holds {} and does not stop; stop it with: kill -QUIT {pid}", data.display())]
    Orphan {
        /// Its process id.
        pid: i32,
        /// The data folder.
        data: PathBuf,
    },
}

fn versions(installed: &[u32]) -> String {
    let names: Vec<_> = installed.iter().map(|major| format!("Postgres {major}")).collect();
    names.join(" and ")
}

impl ClusterError {
    pub(crate) fn folder(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Folder { action, path, source }
    }

    pub(crate) fn run(program: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let program = program.into();
        move |source| Self::Run { program, source }
    }
}
