//! One fact that can rule out a state, in words that a person can act on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::SchemaMismatch;

/// A kind of job of which some are queued, scheduled or waiting for a retry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WaitingJob {
    /// Its kind.
    pub kind: String,
    /// The version of its arguments.
    pub version: u16,
}

/// How a stored schedule is named as an enqueuer.
pub(crate) const SCHEDULE: &str = "the schedule ";

/// A fact about one release or one kind of job that rules out some states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// A release does not work on some of the catalogues.
    Schema {
        /// `process@digest`.
        release: String,
        /// What it misses there.
        mismatch: SchemaMismatch,
        /// The step before which it does not work, if one mends it: number from 1, and name.
        mended_by: Option<(usize, String)>,
        /// The step after which it does not work, if one breaks it: number from 1, and name.
        broken_by: Option<(usize, String)>,
    },
    /// A job must find a live release that works it.
    Handler {
        /// The kind and version.
        job: WaitingJob,
        /// The release or the stored schedule that enqueues it; none when jobs of it already wait.
        enqueuer: Option<String>,
        /// The releases that work it.
        handlers: Vec<String>,
    },
    /// Jobs that a release enqueued and worked itself may still wait when it has gone; nothing can be seen to end
    /// in between.
    LeftBehind {
        /// The kind and version.
        job: WaitingJob,
        /// The release that goes.
        enqueuer: String,
        /// The releases that would work them.
        handlers: Vec<String>,
    },
    /// A job must not meet a release that claims its kind and cannot read its version.
    Readable {
        /// The kind and version.
        job: WaitingJob,
        /// The release or the stored schedule that enqueues it; none when jobs of it already wait.
        enqueuer: Option<String>,
        /// The release that cannot read it.
        handler: String,
        /// The fields that changed although the version did not; none when it is the version.
        fields: Vec<String>,
    },
}

impl fmt::Display for WaitingJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (version {})", self.kind, self.version)
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schema { release, mismatch, mended_by, broken_by } => {
                write!(f, "{release} {mismatch}")?;
                match (mended_by, broken_by) {
                    (None, None) => write!(f, ", which no schema step provides"),
                    (mended, broken) => {
                        if let Some((number, name)) = mended {
                            write!(f, ", so it cannot run before step {number} ({name})")?;
                        }
                        if let Some((number, name)) = broken {
                            write!(f, ", so it cannot run after step {number} ({name})")?;
                        }
                        Ok(())
                    }
                }
            }
            Self::Handler { job, enqueuer, handlers } => {
                say_source(f, job, enqueuer.as_deref())?;
                match handlers.as_slice() {
                    [] => write!(f, ", which no release handles"),
                    handlers => write!(f, ", which needs {} to be live", handlers.join(" or ")),
                }
            }
            Self::LeftBehind { job, enqueuer, handlers } => {
                write!(f, "{enqueuer} may leave jobs of {job} behind that only its own process handled")?;
                match handlers.as_slice() {
                    [] => write!(
                        f,
                        ", and no other release handles them: keep their handler for one more release"
                    ),
                    handlers => write!(f, ", which needs {} to be live when it goes", handlers.join(" or ")),
                }
            }
            Self::Readable { job, enqueuer, handler, fields } => {
                say_source(f, job, enqueuer.as_deref())?;
                write!(f, ", which {handler} would claim and cannot read")?;
                match fields.as_slice() {
                    [] => Ok(()),
                    fields if enqueuer.as_ref().is_none_or(|name| name.starts_with(SCHEDULE)) => {
                        write!(f, ": not with their {} as it is, so raise the version", fields.join(", "))
                    }
                    fields => write!(f, ": {} changed, so raise the version", fields.join(", ")),
                }
            }
        }
    }
}

fn say_source(f: &mut fmt::Formatter<'_>, job: &WaitingJob, enqueuer: Option<&str>) -> fmt::Result {
    match enqueuer {
        Some(release) => write!(f, "{release} enqueues {job}"),
        None => write!(f, "jobs wait of {job}"),
    }
}
