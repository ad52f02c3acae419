//! How a process ended, in words.

use std::{fmt, os::unix::process::ExitStatusExt as _, process::ExitStatus};

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It ended itself with this code.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
    /// It was started by a host that has gone, and nobody saw how it ended.
    Unseen,
}

/// What a process of this workspace says when its configuration is refused (`EX_CONFIG`).
const BAD_CONFIGURATION: i32 = 78;

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Code(0) => f.write_str("exited by itself (exit code 0)"),
            Self::Code(BAD_CONFIGURATION) => write!(f, "rejected its configuration (exit code 78)"),
            Self::Code(code) => write!(f, "failed (exit code {code})"),
            Self::Unseen => f.write_str("ended with an unknown status"),
            Self::Signal(number) => match Signal::try_from(number) {
                Ok(signal) => write!(f, "was killed by {signal}"),
                Err(_) => write!(f, "was killed by signal {number}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_is_said_in_words() {
        assert_eq!(Exit::from(ExitStatus::from_raw(9)).to_string(), "was killed by SIGKILL");
        assert_eq!(Exit::from(ExitStatus::from_raw(3 << 8)).to_string(), "failed (exit code 3)");
        assert!(Exit::from(ExitStatus::from_raw(78 << 8)).to_string().contains("configuration"));
        assert!(Exit::from(ExitStatus::from_raw(0)).to_string().contains("by itself"));
    }
}
