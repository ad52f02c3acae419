//! Postgres' table locks, weakest first.

use std::fmt;

use serde::Serialize;

/// A lock mode, ordered by strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Lock {
    /// Readers hold it.
    AccessShare,
    /// `SELECT … FOR UPDATE` holds it.
    RowShare,
    /// Writers hold it.
    RowExclusive,
    /// One at a time; readers and writers go on.
    ShareUpdateExclusive,
    /// Writers wait.
    Share,
    /// Writers wait, and there is one at a time.
    ShareRowExclusive,
    /// Only plain readers go on.
    Exclusive,
    /// Everyone waits.
    AccessExclusive,
}

impl Lock {
    /// The mode as `pg_locks` writes it, with or without `Lock` behind it.
    #[must_use]
    pub fn parse(mode: &str) -> Option<Self> {
        [
            Self::AccessShare,
            Self::RowShare,
            Self::RowExclusive,
            Self::ShareUpdateExclusive,
            Self::Share,
            Self::ShareRowExclusive,
            Self::Exclusive,
            Self::AccessExclusive,
        ]
        .into_iter()
        .find(|lock| lock.to_string() == mode.trim_end_matches("Lock"))
    }

    /// Whether somebody who writes must wait for it.
    #[must_use]
    pub fn stops_writers(self) -> bool {
        self >= Self::Share
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
