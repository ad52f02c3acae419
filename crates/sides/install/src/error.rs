//! Why a program could not be installed.

use std::{fmt, io, path::PathBuf, process::ExitStatus};

use crate::Need;

/// Why a program that is missing was not installed.
#[derive(Debug)]
pub enum InstallError {
    /// It may not be installed: forbidden, declined, or this system's package manager is not known.
    Refused {
        /// What is missing.
        need: Need,
        /// Why it was not installed.
        why: &'static str,
        /// What installs it here, where that is known.
        command: Option<String>,
    },
    /// A program could not be started.
    Run {
        /// Which.
        program: String,
        /// The system's answer.
        source: io::Error,
    },
    /// It could not be installed: everything that was tried failed.
    Failed {
        /// What is missing.
        need: Need,
        /// What failed, in the order in which it was tried.
        failures: Vec<Failure>,
        /// What installs it here by hand.
        command: String,
    },
    /// A file or folder could not be made or read.
    File {
        /// What was tried, like "create".
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Every command succeeded, but it is still missing.
    NotFound {
        /// What is missing.
        need: Need,
        /// What was done.
        command: String,
    },
}

/// A program that ran and failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was run, as it can be typed.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// The last lines that it printed.
    pub output: String,
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { need, why, command } => {
                write!(f, "this machine has no {}, and {why}", need.name())?;
                match command {
                    Some(command) => write!(f, "; install it: {command}"),
                    None => f.write_str("; install it with this system's package manager"),
                }
            }
            Self::Run { program, .. } => write!(f, "cannot run {program}"),
            Self::Failed { need, failures, command } => {
                write!(f, "could not get {}", need.name())?;
                for Failure { command, status, output } in failures {
                    write!(f, "\n  `{command}` failed ({status})")?;
                    output.lines().try_for_each(|line| write!(f, "\n    {line}"))?;
                }
                write!(
                    f,
                    "\nOnce that is fixed (usually the network), start again: what was downloaded is kept. Or \
                     install it yourself: {command}"
                )
            }
            Self::File { action, path, .. } => write!(f, "cannot {action} {}", path.display()),
            Self::NotFound { need, command } => {
                write!(f, "`{command}` succeeded, but there is still no {} on this machine", need.name())
            }
        }
    }
}

impl std::error::Error for InstallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Run { source, .. } | Self::File { source, .. } => Some(source),
            Self::Refused { .. } | Self::Failed { .. } | Self::NotFound { .. } => None,
        }
    }
}

impl InstallError {
    /// What was run and failed.
    pub(crate) fn failures(self) -> Vec<Failure> {
        match self {
            Self::Failed { failures, .. } => failures,
            _ => Vec::new(),
        }
    }

    /// With what failed before it, which may be why.
    pub(crate) fn after(self, earlier: Vec<Failure>) -> Self {
        match self {
            Self::Failed { need, failures, command } => {
                Self::Failed { need, failures: earlier.into_iter().chain(failures).collect(), command }
            }
            other => other,
        }
    }

    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}
