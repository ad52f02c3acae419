//! Why there is no plan.

use std::fmt;

use crate::{Requirement, Split, requirement::SCHEDULE};

/// There is no order in which every state is compatible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The smallest set of facts that cannot hold together: leave any one out and there is an order.
    pub conflict: Vec<Requirement>,
    /// Whether even the wanted end is not compatible, so that no order and no split can help.
    pub end_is_incompatible: bool,
    /// The same releases and steps over two releases, where that helps.
    pub split: Option<Box<Split>>,
}

/// The world contradicts itself or is too large.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorldFault {
    /// A release is listed under a process that it is not a build of.
    #[error("{release} is listed as a release of {process}: its manifest names another process")]
    WrongProcess {
        /// The process it is listed under.
        process: String,
        /// The release.
        release: String,
    },
    /// More releases than one plan can hold.
    #[error("more than {limit} different releases are live or wanted: release some processes first (--only)")]
    TooManyReleases {
        /// How many it can hold.
        limit: u32,
    },
    /// No order was found.
    #[error("{0}")]
    Refused(Refusal),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = if self.end_is_incompatible {
            "the wanted releases are not compatible"
        } else {
            "there is no order in which every state on the way is compatible"
        };
        write!(f, "{why}:")?;
        for requirement in &self.conflict {
            write!(f, "\n  - {requirement}")?;
        }
        self.next().map_or(Ok(()), |next| write!(f, "\n{next}"))
    }
}

impl Refusal {
    /// What to do instead: the split, or what has to change in the code.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        let split = self.split.as_ref().map(ToString::to_string);
        let known = split.or_else(|| self.conflict.iter().find_map(advice));
        known.or_else(|| self.conflict.first().map(general_advice))
    }
}

/// `web` of `web@0a1b2c3d`.
fn process_of(release: &str) -> &str {
    release.split('@').next().unwrap_or_default()
}

/// The way that works for a fact of this kind, with its commands.
fn general_advice(requirement: &Requirement) -> String {
    match requirement {
        Requirement::Schema { release, mismatch, broken_by: Some((_, step)), .. } => {
            let process = process_of(release);
            format!(
                "It goes in two releases. First put {step} aside and release a {process} that does without it: take what \
                 \"{process} {mismatch}\" names out of its code and its schema file, then `sides release --only {process}`. Then \
                 put {step} back: `sides release` applies it once nothing old runs."
            )
        }
        Requirement::Schema { release, mismatch, .. } => {
            let process = process_of(release);
            format!(
                "Add a migration that brings it about, in the same release (`sides plan` then puts it before {process}), or \
                 take what \"{process} {mismatch}\" names out of the code of {process}."
            )
        }
        Requirement::Handler { job, enqueuer: Some(enqueuer), .. } => format!(
            "It goes in two releases. First a process that works {job}: write its handler and release that process. Then \
             `sides release --only {}`.",
            process_of(enqueuer)
        ),
        Requirement::Handler { job, enqueuer: None, .. } => format!(
            "Keep a handler of {job} until none of its jobs is left (`sides jobs list` shows them), or end them with `sides jobs \
             discard`; then `sides release`."
        ),
        Requirement::LeftBehind { job, enqueuer, .. } => format!(
            "It goes in two releases. First a {} that enqueues no {job} any more and still works it; when none is left (`sides \
             jobs list`), one without the handler.",
            process_of(enqueuer)
        ),
        Requirement::Readable { job, handler, .. } => format!(
            "Let {} read version {} of {} beside its own, release it first (`sides release --only {}`), and drop the old \
             version when no job of it is left.",
            process_of(handler),
            job.version,
            job.kind,
            process_of(handler)
        ),
    }
}

/// What to change in the code, where no order of these builds helps.
fn advice(requirement: &Requirement) -> Option<String> {
    match requirement {
        Requirement::Readable { job, enqueuer: Some(enqueuer), .. }
        | Requirement::Handler { job, enqueuer: Some(enqueuer), .. }
            if enqueuer.starts_with(SCHEDULE) =>
        {
            let name = enqueuer.trim_start_matches(SCHEDULE);
            Some(format!(
                "A stored schedule goes on as it is, with version {} of its job: let the new build read that too, or change \
                 it first (sides schedule add {name} … --replace), or end it (sides schedule remove {name}).",
                job.version
            ))
        }
        Requirement::Readable { job, enqueuer: Some(enqueuer), handler, fields } if fields.is_empty() => {
            let (handler, enqueuer) = (process_of(handler), process_of(enqueuer));
            Some(format!(
                "It goes in two releases, with a {handler} that reads version {} of {} beside its own: release {handler} \
                 first, then {enqueuer}; the version can go when no job of it is left.",
                job.version, job.kind
            ))
        }
        _ => None,
    }
}
