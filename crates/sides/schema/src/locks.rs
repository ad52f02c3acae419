//! The advisory locks of the chassis, each with its name, once: two of one key would be one lock.
//!
//! No key ever changes. An old build and a new one share a database, and each must find what the other holds.
//!
//! A lock that a session holds ends with it, so whoever dies blocks nobody. Locks with a text for a name have
//! `hashtextextended(name, 0)` for a key: [`key_of`] is that, for a statement.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Bool},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

/// Held by the session that migrates: one at a time.
pub const MIGRATION_RUNNER: i64 = i64::from_be_bytes(*b"sidesmig");

/// Held by the session that carries a release out: one at a time.
pub const RELEASE: i64 = i64::from_be_bytes(*b"sidesrel");

/// Held by the session of the one controller that looks after the size of the fleet.
pub const CONTROLLER: &str = "sides tending";

/// Held shared by the session in which a runner of the queue listens; `$1` is the runner's id. While nobody holds it, that
/// runner is dead, or has lost its connection.
pub const RUNNER: &str = "sides.runner_lock($1)";

/// The first of two keys, `hashtext(ACTIONS)` and `hashtext(subject)`: who writes an action of a subject holds it until the
/// end of the transaction.
pub const ACTIONS: &str = "sides.actions";

/// The row of `pg_locks` that says that the key `$1` is held in this database. A key of 64 bits stands there in two halves.
pub const HELD: &str = "\
locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = $1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// The keys that are held in this database, as a query of one column.
pub const ALL_HELD: &str = "\
SELECT classid::bigint << 32 | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// The name of the lock of a build, as an expression of SQL: of the process `$1` and the release `$2`.
pub const BUILD: &str = "$1 || '@' || $2";

/// What the name of a backfill's lock begins with, in front of the version.
const BACKFILL: &str = "sides backfill ";

/// Held shared by the session of each instance of a build: while it cannot be taken alone, one of them runs.
#[must_use]
pub fn build(process: &str, release: &str) -> String {
    format!("{process}@{release}")
}

/// Held by the session that runs the backfill of this version of the schema.
#[must_use]
pub fn backfill(version: &str) -> String {
    format!("{BACKFILL}{version}")
}

/// The name of that lock as an expression of SQL; `version` is one too, such as a column.
#[must_use]
pub fn backfill_of(version: &str) -> String {
    format!("'{BACKFILL}' || {version}")
}

/// The key of a lock with a text for a name, as an expression of SQL; `name` is one too, such as `$1`.
#[must_use]
pub fn key_of(name: &str) -> String {
    format!("hashtextextended({name}, 0)")
}

/// Whether a session of this database holds the lock of this key. Asking for it would take it.
///
/// # Errors
/// When the database is unavailable.
pub async fn is_held(connection: &mut AsyncPgConnection, key: i64) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        answer: bool,
    }
    let query = format!("SELECT EXISTS (SELECT FROM pg_locks WHERE {HELD}) AS answer");
    let answer: Answer = sql_query(query).bind::<BigInt, _>(key).get_result(connection).await?;
    Ok(answer.answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_every_release() {
        assert_eq!(MIGRATION_RUNNER, 0x7369_6465_736d_6967);
        assert_eq!(RELEASE, 0x7369_6465_7372_656c);
        assert_eq!([CONTROLLER, ACTIONS], ["sides tending", "sides.actions"]);
        assert_eq!(build("web", "a1b2"), "web@a1b2");
        assert_eq!(backfill("20260101000000"), "sides backfill 20260101000000");
    }
}
