//! Why the schema was not changed.

use std::{fmt, time::Duration};

use crate::{MigrationError, Refusal, Said, shadow::ShadowError};

/// Why the schema could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// No connection.
    #[error("no connection for the migration runner")]
    Connect(#[from] database::ConnectError),
    /// No session of its own.
    #[error(
        "the database is behind a pooler that shares sessions, and migrations hold locks beyond a transaction: set \
         DATABASE_DIRECT_URL to the server itself"
    )]
    Pooled,
    /// The runner's own statement failed.
    #[error("the database refused a statement of the migration runner itself: {0}")]
    Runner(Said),
    /// A migration cannot be read.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// Nothing could be tried on a scratch database.
    #[error(transparent)]
    Shadow(#[from] ShadowError),
    /// The private server for trials is not usable.
    #[error("cannot use the private server to try the migrations on: {0}")]
    Scratch(String),
    /// What is applied and what is here do not go together.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another runner works, and this one was told not to wait.
    #[error("another runner is running: {holder}; wait for it, or run again without --no-wait")]
    Busy {
        /// Whose session holds the lock.
        holder: String,
    },
    /// A file has BEGIN, COMMIT or ROLLBACK.
    #[error("{0}: the runner begins and ends the transaction itself; remove this statement")]
    OwnTransaction(Box<Site>),
    /// A file has what psql understands and the server does not.
    #[error("{site}: {why}")]
    NotForTheServer {
        /// Where.
        site: Box<Site>,
        /// What it is, and what to do.
        why: String,
    },
    /// A statement that refuses a transaction, in a migration that asks for one.
    #[error(
        "{0}: cannot run in a transaction, but metadata.toml says run_in_transaction = true; remove that line"
    )]
    NeedsNoTransaction(Box<Site>),
    /// A migration has no way back.
    #[error(
        "migrations/{name} has no down.sql, so nothing was reverted; write one, or revert fewer migrations"
    )]
    NoWayBack {
        /// Its name or, when it is not known here, its version.
        name: String,
    },
    /// An applied migration that is not known here has no way back either.
    #[error(
        "version {version} was applied by a newer release and is not known here, so nothing was reverted; \
         revert it with that release"
    )]
    NotKnown {
        /// Diesel's version.
        version: String,
    },
    /// A `down.sql` does not even run on a scratch database.
    #[error(
        "{site}: {said}\na trial on a scratch database failed like this, and nothing was reverted; correct it, \
         or revert without a trial: down --anyway"
    )]
    DownFails {
        /// Which statement.
        site: Box<Site>,
        /// What Postgres said.
        said: Said,
    },
    /// A `down.sql` leaves another schema than its migration found.
    #[error(
        "migrations/{name}/down.sql does not restore what its up.sql found (- was there, + would be \
         there):\n{}\nnothing was reverted; correct it, or revert anyway: down --anyway",
        indented(difference)
    )]
    NotTheReverse {
        /// The folder's name.
        name: String,
        /// Line by line.
        difference: Vec<String>,
    },
    /// Postgres refused a statement of a migration.
    #[error("{site}: {said}\n{outcome}")]
    Statement {
        /// Which; the line is the one that Postgres points at, when it does.
        site: Box<Site>,
        /// What Postgres said.
        said: Said,
        /// What stays applied, and what to do next.
        outcome: String,
    },
    /// A backfill's statement cannot be cut.
    #[error("{site}: {why}")]
    NotInBatches {
        /// Which statement.
        site: Box<Site>,
        /// Why, and what to do.
        why: String,
    },
    /// A backfill that others wait for was paused.
    #[error(
        "the backfill migrations/{migration} is paused by {by}, and later migrations need it; resume it: migrate \
         backfill resume"
    )]
    Paused {
        /// The folder's name.
        migration: String,
        /// Who paused it.
        by: String,
    },
    /// A manifest cannot be read.
    #[error("{} is not a manifest: {why}; write it with: web --manifest > {}", path.display(), path.display())]
    Manifest {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It does too much while others wait for what it holds.
    #[error(
        "{site}: abandoned {tries} times, because others had waited {} ms for its locks\n{outcome}",
        longest_block.as_millis()
    )]
    HoldsUp {
        /// Which statement.
        site: Box<Site>,
        /// How often it was tried.
        tries: u32,
        /// How long others may be kept waiting.
        longest_block: Duration,
        /// What stays applied, and what to do next.
        outcome: String,
    },
    /// A lock was not to be had.
    #[error("{site}: no lock in {tries} tries of {} ms{}\n{outcome}", lock_timeout.as_millis(), blocked_by(blockers))]
    Locked {
        /// Which statement.
        site: Box<Site>,
        /// How often it was tried.
        tries: u32,
        /// How long each try waited.
        lock_timeout: Duration,
        /// The sessions that held it.
        blockers: Vec<String>,
        /// What stays applied, and what to do next.
        outcome: String,
    },
}

/// A place in a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The folder's name.
    pub name: String,
    /// `up.sql` or `down.sql`.
    pub file: &'static str,
    /// The line in the file, from 1.
    pub line: usize,
    /// The statement, shortened.
    pub statement: String,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "migrations/{}/{} line {}: `{}`", self.name, self.file, self.line, self.statement)
    }
}

impl From<tokio_postgres::Error> for MigrateError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Runner(error.into())
    }
}

impl MigrateError {
    /// Whether the server or the way to it was lost, so that another connection may find it again.
    #[must_use]
    pub fn is_connection_lost(&self) -> bool {
        match self {
            Self::Connect(_) => true,
            Self::Runner(said) | Self::Statement { said, .. } => said.is_connection_lost(),
            _ => false,
        }
    }
}

pub(crate) fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn blocked_by(blockers: &[String]) -> String {
    blockers.iter().map(|blocker| format!("\n  held by {blocker}")).collect()
}
