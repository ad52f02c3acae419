//! What an error means for its connection: keep it or replace it.

use diesel::result::{DatabaseErrorKind, Error};

/// Whether a connection can be used again after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The statement failed, the connection is well.
    Sound,
    /// This connection is not to be used again.
    Replace,
    /// Nor is any other that was opened before: the server was shut down, cannot write any more, or its tables are no
    /// longer those that statements were prepared for.
    ReplaceAll,
}

/// What an error of diesel's says about its connection.
///
/// Diesel hands no code on: where the kind is not enough Postgres' words count. Those of another language are not
/// known, and such a connection is replaced too, which costs no more than its time.
#[must_use]
pub fn verdict(error: &Error) -> Verdict {
    match error {
        Error::DatabaseError(kind, information) => match kind {
            DatabaseErrorKind::ReadOnlyTransaction | DatabaseErrorKind::ClosedConnection => {
                Verdict::ReplaceAll
            }
            DatabaseErrorKind::UnableToSendCommand => Verdict::Replace,
            DatabaseErrorKind::Unknown => words(information.message()),
            _ => Verdict::Sound,
        },
        Error::BrokenTransactionManager => Verdict::Replace,
        Error::RollbackErrorOnCommit { rollback_error, commit_error } => {
            verdict(rollback_error).max(verdict(commit_error))
        }
        // What a server sends that this build cannot read may be of a table that is another one by now.
        Error::DeserializationError(_) => Verdict::Replace,
        _ => Verdict::Sound,
    }
}

const REPLACE_ALL: &[&str] = &[
    "cached plan must not change result type",
    "terminating connection due to administrator command",
    "terminating connection because of crash of another server process",
    "the database system is shutting down",
    "the database system is starting up",
    "the database system is in recovery mode",
    "cannot execute",
];

/// The statement's own fault, or a limit that did its work.
const SOUND: &[&str] = &[
    "canceling statement due to",
    "deadlock detected",
    "could not obtain lock",
    "does not exist",
    "permission denied",
    "invalid input syntax",
    "out of range",
    "syntax error",
    "division by zero",
    "value too long",
    "must be owner of",
    "already exists",
];

fn words(message: &str) -> Verdict {
    let has = |words: &[&str]| words.iter().any(|part| message.contains(part));
    match message {
        // A statement that a pooler gave to another session.
        text if text.starts_with("prepared statement ") => Verdict::Replace,
        // "cannot execute UPDATE in a read-only transaction" has a kind of its own; the others of this shape do not.
        _ if has(REPLACE_ALL) => Verdict::ReplaceAll,
        _ if has(SOUND) => Verdict::Sound,
        _ => Verdict::Replace,
    }
}

/// Whether Postgres' code says that a session is of no more use: it ended, cannot write, or holds plans of tables that
/// are others by now.
#[must_use]
pub fn is_end_of_session(code: &str) -> bool {
    // Class 08 is a broken connection; 0A000 a plan whose result changed; 25006 read-only; 26000 and 42P05 are
    // prepared statements that a pooler mixed up; 57P0x a shutdown, a crash, a server that is not up.
    let codes =
        ["0A000", "25006", "26000", "42P05", "57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25P04"];
    code.starts_with("08") || codes.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: DatabaseErrorKind, message: &str) -> Verdict {
        verdict(&Error::DatabaseError(kind, Box::new(message.to_owned())))
    }

    #[test]
    fn a_statement_costs_its_connection_only_where_that_is_of_no_more_use() {
        use DatabaseErrorKind::{ReadOnlyTransaction, UnableToSendCommand, UniqueViolation, Unknown};
        for (kind, message, expected) in [
            (Unknown, "cached plan must not change result type", Verdict::ReplaceAll),
            (Unknown, "terminating connection due to administrator command", Verdict::ReplaceAll),
            (Unknown, "terminating connection due to idle-session timeout", Verdict::Replace),
            (ReadOnlyTransaction, "cannot execute INSERT in a read-only transaction", Verdict::ReplaceAll),
            (UnableToSendCommand, "connection closed", Verdict::Replace),
            (Unknown, "prepared statement \"s1\" does not exist", Verdict::Replace),
            (Unknown, "zwischengespeicherter Plan darf den Ergebnistyp nicht ändern", Verdict::Replace),
            (Unknown, "relation \"x\" does not exist", Verdict::Sound),
            (Unknown, "canceling statement due to statement timeout", Verdict::Sound),
            (UniqueViolation, "duplicate key", Verdict::Sound),
        ] {
            assert_eq!(of(kind, message), expected, "{message}");
        }
        assert_eq!(verdict(&Error::NotFound), Verdict::Sound);
    }

    #[test]
    fn codes_say_it_in_every_language() {
        assert!(["0A000", "25006", "57P01", "08006"].iter().all(|code| is_end_of_session(code)));
        assert!(["23505", "42P01", "57014", "40001", "55P03"].iter().all(|code| !is_end_of_session(code)));
    }
}
