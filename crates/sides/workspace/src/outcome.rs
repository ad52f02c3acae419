//! How a command ends.

use std::process::ExitCode;

/// What the exit code tells a script. Keep in step with `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done = 0,
    /// It failed, and said why.
    Failed = 1,
    /// Nothing runs that could be asked.
    NotRunning = 3,
    /// Something runs, and not all of it answers.
    NotAnswering = 4,
    /// What is wanted was so already.
    NothingToDo = 5,
    /// It did not go well and was undone.
    Undone = 6,
    /// It did not go well and was not undone.
    Partial = 7,
    /// There is no safe way; nothing was changed.
    Refused = 8,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome as u8)
    }
}
