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
    #[error("{release} is listed as a release of {process}, but its manifest names another process")]
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
            "there is no order in which every intermediate state is compatible"
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
                "This takes two releases. First set {step} aside and release a {process} that does not need it: \
                 remove what \"{process} {mismatch}\" names from its code and its schema file, then `sides \
                 release --only {process}`. Then put {step} back: `sides release` applies it once no old \
                 instance runs."
            )
        }
        Requirement::Schema { release, mismatch, .. } => {
            let process = process_of(release);
            format!(
                "Add a migration for it to the same release (`sides plan` then puts it before {process}), or \
                 remove what \"{process} {mismatch}\" names from the code of {process}."
            )
        }
        Requirement::Handler { job, enqueuer: Some(enqueuer), .. } => format!(
            "This takes two releases. First a process that handles {job}: write the handler and release that \
             process. Then `sides release --only {}`.",
            process_of(enqueuer)
        ),
        Requirement::Handler { job, enqueuer: None, .. } => format!(
            "Keep a handler of {job} until none of its jobs is left (`sides jobs list` shows them), or discard \
             them with `sides jobs discard`; then `sides release`."
        ),
        Requirement::LeftBehind { job, enqueuer, .. } => format!(
            "This takes two releases. First a {} that no longer enqueues {job} but still handles it; when none \
             is left (`sides jobs list`), one without the handler.",
            process_of(enqueuer)
        ),
        Requirement::Readable { job, handler, .. } => format!(
            "Make {} read version {} of {} as well as its own, release it first (`sides release --only {}`), and \
             drop the old version when none of its jobs is left.",
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
                "A stored schedule keeps enqueuing version {} of its job: make the new build read that version \
                 too, or change the schedule first (sides schedule add {name} … --replace), or remove it (sides \
                 schedule remove {name}).",
                job.version
            ))
        }
        Requirement::Readable { job, enqueuer: Some(enqueuer), handler, fields } if fields.is_empty() => {
            let (handler, enqueuer) = (process_of(handler), process_of(enqueuer));
            Some(format!(
                "This takes two releases, with a {handler} that reads version {} of {} as well as its own: \
                 release {handler} first, then {enqueuer}; the old version can go when none of its jobs is left.",
                job.version, job.kind
            ))
        }
        _ => None,
    }
}
