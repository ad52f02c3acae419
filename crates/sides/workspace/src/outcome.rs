//! How a command ends.

use std::process::ExitCode;

/// What the exit code tells a script. Keep in step with `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Success.
    Done = 0,
    /// Error; the message says why.
    Failed = 1,
    /// No dev or host is running.
    NotRunning = 3,
    /// Running, but not every process answers.
    NotAnswering = 4,
    /// Nothing to do.
    NothingToDo = 5,
    /// Failed and undone.
    Undone = 6,
    /// Failed and not undone.
    Partial = 7,
    /// Refused: there is no safe order; nothing was changed.
    Refused = 8,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome as u8)
    }
}
