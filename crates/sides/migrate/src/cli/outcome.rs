//! How a command ended.

use std::process::ExitCode;

/// How a command ended. Each has an exit code of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was done.
    Done,
    /// There was nothing to do.
    Nothing,
    /// It failed and changed nothing.
    Failed,
    /// It was refused and changed nothing.
    Refused,
    /// It failed after some migrations.
    Partial,
    /// Another runner is at work.
    Busy,
    /// The address leads to no session of one's own.
    Unusable,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Nothing => 5,
            Outcome::Failed => 1,
            Outcome::Refused => 3,
            Outcome::Partial => 4,
            Outcome::Busy => 75,
            Outcome::Unusable => 78,
        })
    }
}
