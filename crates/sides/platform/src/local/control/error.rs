//! Why a running `dev` or host cannot be spoken to.

use std::{io, path::PathBuf};

/// What stands between a command and the host.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// A file of the run folder is not ours to use.
    #[error("cannot use {}", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The file system has no locks.
    #[error("cannot lock {}: the workspace must lie on a file system with locks", .0.display())]
    Lock(PathBuf, #[source] io::Error),
    /// The lock is held, and nobody opens.
    #[error("somebody holds the lock of this workspace, but does not answer on {}", .0.display())]
    NoAnswer(PathBuf, #[source] io::Error),
    /// It was there, and then no more.
    #[error("whoever ran here went away before it had answered")]
    WentAway,
    /// It says nothing.
    #[error("whoever runs here does not answer in time")]
    TooLate,
    /// It speaks otherwise.
    #[error(
        "whoever runs here answers in another version's words; replace it with `sides host --replace`, or stop it \
         with its own `sides stop`"
    )]
    Words(#[source] serde_json::Error),
    /// It closed its socket and goes on.
    #[error("it closed its socket, but still holds its lock (pid {0})")]
    Lingers(u32),
}
