//! How a command ends.

use std::process::ExitCode;

/// What the exit code tells a script. Keep in step with `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done = 0,
    Failed = 1,
    NotRunning = 3,
    NotAnswering = 4,
    NothingToDo = 5,
    Undone = 6,
    Partial = 7,
    Refused = 8,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome as u8)
    }
}

/// Says that nothing runs that could carry out an order.
pub(crate) fn no_host() -> Outcome {
    eprintln!("no host runs here; start one with `sides host`, as deploy/host.md says");
    Outcome::NotRunning
}

/// Prints an error with everything behind it, once.
pub(crate) fn explain(error: &anyhow::Error) {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
}
