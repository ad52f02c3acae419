//! Options of a run, and its progress events.

use std::time::Duration;

use crate::{PaceOptions, class::Phase};

/// How the runner goes about it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Wait for another runner instead of giving up.
    pub wait: bool,
    /// Apply migrations that are older than applied ones.
    pub out_of_order: bool,
    /// Only migrations of this phase.
    pub phase: Option<Phase>,
    /// Only migrations of these names; all when there are none.
    pub only: Vec<String>,
    /// How much of the server a backfill may take.
    pub pace: PaceOptions,
    /// Try the way back on a scratch database before anything is reverted.
    pub rehearse: bool,
    /// Stay while a backfill is paused, instead of leaving.
    pub wait_while_paused: bool,
    /// How long the statements of one transaction may wait for locks, together, while others queue behind it.
    pub lock_timeout: Duration,
    /// How long others may be kept waiting by a transaction at work; then it is given up and tried again. A migration
    /// whose `metadata.toml` says why it may run as it is (`accept`) is not given up.
    pub longest_block: Duration,
    /// A transaction that is older and holds what a statement needs is waited for, instead of being queued behind.
    pub old: Duration,
    /// How often a lock is tried.
    pub tries: u32,
    /// The first pause between two tries; it doubles up to 2 seconds.
    pub pause: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            wait: true,
            out_of_order: false,
            phase: None,
            only: Vec::new(),
            pace: PaceOptions::default(),
            rehearse: true,
            wait_while_paused: false,
            lock_timeout: Duration::from_millis(150),
            longest_block: Duration::from_millis(150),
            old: Duration::from_secs(1),
            tries: 30,
            pause: Duration::from_millis(100),
        }
    }
}

impl Options {
    /// The pause after a try, counted from 1.
    pub(crate) fn pause_after(&self, attempt: u32) -> Duration {
        const LONGEST: Duration = Duration::from_secs(2);
        self.pause.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1).min(16))).min(LONGEST)
    }
}

/// What happens, as it happens.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Another runner is at work.
    Waiting {
        /// Whose session it is.
        holder: String,
    },
    /// A migration begins.
    Begins {
        /// Its folder's name.
        migration: String,
        /// `up` or `down`.
        direction: &'static str,
    },
    /// Old transactions stand in the way of what comes next.
    InTheWay {
        /// The migration.
        migration: String,
        /// Whose they are.
        sessions: Vec<String>,
    },
    /// A lock was not to be had; it is tried again.
    Retries {
        /// The migration.
        migration: String,
        /// Which try failed, from 1.
        attempt: u32,
        /// Who held the lock.
        blockers: Vec<String>,
    },
    /// An unfinished index of a killed run was removed, to be built again.
    Rebuilds {
        /// The index.
        index: String,
    },
    /// The way back could not be tried on a scratch database first.
    Unrehearsed {
        /// Why not.
        why: String,
    },
    /// An index is being built beside readers and writers.
    Builds {
        /// The migration.
        migration: String,
        /// What Postgres is at.
        phase: String,
        /// Blocks or rows of this phase that are done.
        done: i64,
        /// Of how many; 0 when Postgres does not say.
        total: i64,
        /// Whose transactions have to end first.
        waits_for: Vec<String>,
    },
    /// A wanted migration must wait for an earlier one that is not wanted and is about the same.
    Waits {
        /// Its folder's name.
        migration: String,
    },
    /// A backfill is on its way.
    Progress {
        /// The migration.
        migration: String,
        /// Rows that were looked at.
        done: i64,
        /// Rows of the table, as Postgres' statistics had it at the start.
        estimated: Option<i64>,
        /// Rows looked at per second.
        per_second: i64,
        /// Seconds that are left, at that rate.
        seconds_left: Option<i64>,
        /// Why it goes slowly.
        slow: Option<String>,
    },
    /// A backfill rests until it is resumed.
    Paused {
        /// The migration.
        migration: String,
        /// Who paused it.
        by: String,
    },
    /// The server was lost; a new connection is tried.
    Reconnects {
        /// What was said.
        why: String,
    },
    /// A migration is done.
    Done {
        /// Its folder's name.
        migration: String,
        /// `up` or `down`.
        direction: &'static str,
        /// How long it took.
        milliseconds: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_two_seconds() {
        let options = Options::default();
        let pauses: Vec<_> = [1, 2, 3, 6, 30].map(|attempt| options.pause_after(attempt).as_millis()).into();
        assert_eq!(pauses, [100, 200, 400, 2000, 2000]);
    }
}
