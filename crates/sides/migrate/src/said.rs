//! Postgres' error message in full, including the parts that the client library leaves out.

use std::fmt;

use tokio_postgres::{
    Error,
    error::{ErrorPosition, SqlState},
};

/// An error of the server or of the way to it.
#[derive(Debug)]
pub struct Said(Error);

impl Said {
    /// Postgres' five-letter code, when it was Postgres who spoke.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code().map(SqlState::code)
    }

    pub(crate) fn is_lock_timeout(&self) -> bool {
        self.0.code() == Some(&SqlState::LOCK_NOT_AVAILABLE)
    }

    /// It took longer than its `statement_timeout`, or somebody cancelled it: Postgres has one code for both.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.code() == Some(&SqlState::QUERY_CANCELED)
    }

    /// It ends its transaction itself, or Postgres refuses it in one.
    pub(crate) fn refuses_a_transaction(&self) -> bool {
        [SqlState::INVALID_TRANSACTION_TERMINATION, SqlState::ACTIVE_SQL_TRANSACTION]
            .iter()
            .any(|state| self.0.code() == Some(state))
    }

    /// Two transactions stood in each other's way; a later try may pass.
    pub(crate) fn is_deadlock(&self) -> bool {
        self.0.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED)
    }

    /// The same may pass when it is tried again: a lock, a deadlock, or two who changed one row.
    pub(crate) fn is_worth_another_try(&self) -> bool {
        self.is_lock_timeout()
            || self.is_deadlock()
            || self.0.code() == Some(&SqlState::T_R_SERIALIZATION_FAILURE)
    }

    /// The server ended the session, or the way to it broke.
    pub(crate) fn is_connection_lost(&self) -> bool {
        match self.0.code() {
            Some(code) => ["57P01", "57P02", "57P03", "08000", "08003", "08006"].contains(&code.code()),
            None => {
                self.0.is_closed()
                    || std::error::Error::source(&self.0)
                        .is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
            }
        }
    }

    /// Lines of the statement before the place that Postgres points at.
    pub(crate) fn lines_before(&self, statement: &str) -> usize {
        match self.0.as_db_error().and_then(|said| said.position()) {
            Some(&ErrorPosition::Original(character)) => {
                let before = usize::try_from(character.saturating_sub(1)).unwrap_or(usize::MAX);
                statement.chars().take(before).filter(|&character| character == '\n').count()
            }
            _ => 0,
        }
    }
}

impl From<Error> for Said {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(said) = self.0.as_db_error() else {
            let cause = std::error::Error::source(&self.0);
            return match cause {
                Some(cause) => write!(f, "{}: {cause}", self.0),
                None => write!(f, "{}", self.0),
            };
        };
        write!(f, "{} ({})", said.message(), said.code().code())?;
        for (label, text) in [("detail", said.detail()), ("hint", said.hint()), ("where", said.where_())] {
            if let Some(text) = text {
                write!(f, "\n  {label}: {text}")?;
            }
        }
        Ok(())
    }
}
