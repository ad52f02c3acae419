//! Postgres' table locks, weakest first.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A lock mode, ordered by strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// All of them, weakest first.
    pub(crate) const ALL: [Self; 8] = [
        Self::AccessShare,
        Self::RowShare,
        Self::RowExclusive,
        Self::ShareUpdateExclusive,
        Self::Share,
        Self::ShareRowExclusive,
        Self::Exclusive,
        Self::AccessExclusive,
    ];

    /// The mode as `pg_locks` writes it, with or without `Lock` behind it.
    #[must_use]
    pub fn parse(mode: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lock| lock.to_string() == mode.trim_end_matches("Lock"))
    }

    /// Whether one must wait for the other; it is the same both ways.
    #[must_use]
    pub fn conflicts_with(self, other: Self) -> bool {
        let (weak, strong) = (self.min(other), self.max(other));
        match weak {
            Self::AccessShare => strong == Self::AccessExclusive,
            Self::RowShare => strong >= Self::Exclusive,
            Self::RowExclusive => strong >= Self::Share,
            Self::ShareUpdateExclusive => strong >= Self::ShareUpdateExclusive,
            // Two SHARE locks go together: two index builds.
            Self::Share => strong >= Self::ShareRowExclusive,
            _ => true,
        }
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
