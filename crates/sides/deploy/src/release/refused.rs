//! Why a release is refused.

use std::fmt;

/// Why there is no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong, in one sentence.
    pub reason: String,
    /// The facts that cannot hold together, each with its release, column, job or migration.
    pub witnesses: Vec<String>,
    /// What to do instead.
    pub next: Option<String>,
}

impl Refused {
    /// A reason that needs no witness, and what to do instead.
    pub fn plain(fault: &impl ToString, next: &str) -> Self {
        Self { reason: fault.to_string(), witnesses: Vec::new(), next: Some(next.to_owned()) }
    }

    pub(super) fn by_the_planner(refusal: &planner::Refusal) -> Self {
        let reason = match refusal.end_is_incompatible {
            true => "the wanted releases are not compatible",
            false => "there is no order in which every intermediate state is compatible",
        };
        Self {
            reason: reason.to_owned(),
            witnesses: refusal.conflict.iter().map(ToString::to_string).collect(),
            next: refusal.next(),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        if !self.witnesses.is_empty() {
            f.write_str(":")?;
        }
        for witness in &self.witnesses {
            write!(f, "\n  - {witness}")?;
        }
        match &self.next {
            Some(next) => write!(f, "\n{next}"),
            None => Ok(()),
        }
    }
}
