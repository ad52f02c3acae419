//! Why a running `dev` or host cannot be reached.

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
    /// The lock is taken, but nobody answers.
    #[error("a process holds the lock of this workspace but does not answer on {}", .0.display())]
    NoAnswer(PathBuf, #[source] io::Error),
    /// It ended before it answered.
    #[error("the dev or host that ran here ended before it answered")]
    WentAway,
    /// It does not answer in time.
    #[error("the dev or host that runs here does not answer in time")]
    TooLate,
    /// It speaks another version of the protocol.
    #[error(
        "the dev or host that runs here is of another version; replace it with `sides host --replace`, or stop \
         it with the `sides stop` of its version"
    )]
    Words(#[source] serde_json::Error),
    /// It closed its socket and goes on.
    #[error("it closed its socket but still holds its lock (pid {0})")]
    Lingers(u32),
}
