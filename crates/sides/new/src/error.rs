//! Why nothing was written.

use std::{io, path::PathBuf};

/// Why nothing was written. Each names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// Not a name.
    #[error("{name:?} is not a valid name: {why}")]
    Name {
        /// As it was given.
        name: String,
        /// What a name is.
        why: &'static str,
    },
    /// It is there already.
    #[error("{} already exists; nothing was written", .0.display())]
    Exists(PathBuf),
    /// A new workspace's directory has something in it.
    #[error("{} is not empty; nothing was written. Name a directory that is new or empty", .0.display())]
    NotEmpty(PathBuf),
    /// There are no crates of sides where they were said to be.
    #[error(
        "{} is not a checkout of sides: it has no crates/sides/process/Cargo.toml. Give one with --path, or a \
         repository with --git",
        .0.display()
    )]
    NoChassis(PathBuf),
    /// A file does not look as `sides new` has written it.
    #[error("{} has no {place}: add this line there yourself, and make the rest of the change: {line}", file.display())]
    Place {
        /// The file.
        file: PathBuf,
        /// What was looked for.
        place: &'static str,
        /// What belongs there.
        line: String,
    },
    /// The schedule's expression is invalid.
    #[error("invalid schedule")]
    Expression(#[from] schedule::ScheduleError),
    /// A file cannot be read or written.
    #[error("cannot {doing} {}", file.display())]
    File {
        /// `read` or `write`.
        doing: &'static str,
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}
