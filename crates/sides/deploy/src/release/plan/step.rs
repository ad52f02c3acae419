//! One step of a plan, and its names before and after it is taken.

use std::fmt;

use planner::{Phase, WaitingJob};
use workspace::releases::{Digest, StepId};

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Applies one pending migration, at a place or on this machine.
    Migrate {
        /// The migration's folder.
        name: String,
        /// When it may run.
        phase: Phase,
        /// Where it runs; none is the machine that releases.
        place: Option<String>,
    },
    /// Waits until none of these jobs waits or runs: their enqueuers are gone, and so is their handler next.
    Await {
        /// What is waited for.
        jobs: Vec<WaitingJob>,
    },
    /// Has one instance of the new build serve beside the others for a while.
    Canary(Canary),
    /// Replaces a process.
    Roll(Roll),
}

/// One instance of a new build beside the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// What follows when it is good.
    pub roll: Roll,
    /// How many instances of the process there are beside it.
    pub instances: u32,
    /// How long it is watched, in seconds.
    pub seconds: u64,
}

/// One process and its release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roll {
    /// Its name, as in `Procfile.NAME`.
    pub process: String,
    /// What runs now; none for a process that was never released.
    pub from: Option<Digest>,
    /// What shall run.
    pub to: Digest,
    /// The place that runs it; none is this machine's host.
    pub place: Option<String>,
}

impl Step {
    /// Whether there is no way back after it: it removes what the old releases need.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Migrate { phase: Phase::Contract, .. })
    }

    /// Which step it is, in the plan as in the journal and the receipt.
    #[must_use]
    pub fn id(&self) -> StepId {
        match self {
            Self::Migrate { name, .. } => StepId::Migrate { migration: name.clone() },
            Self::Await { jobs } => StepId::Await { jobs: jobs.iter().map(ToString::to_string).collect() },
            Self::Canary(canary) => StepId::Canary { process: canary.roll.process.clone() },
            Self::Roll(roll) => StepId::Replace { process: roll.process.clone() },
        }
    }

    /// What it is called when it is done.
    pub fn done(&self) -> String {
        match self {
            Self::Migrate { name, place, .. } => format!("migrated {name}{}", at(place.as_ref())),
            Self::Await { .. } => self.to_string().replacen("wait", "waited", 1),
            Self::Canary(_) => self.to_string().replacen("try", "tried", 1),
            Self::Roll(_) => self.to_string().replacen("replace", "replaced", 1),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Migrate { name, phase, place } => {
                write!(f, "migrate{}: {name}", at(place.as_ref()))?;
                f.write_str(match phase {
                    Phase::Expand => "",
                    Phase::Backfill => " (in batches)",
                    Phase::Contract => ", once nothing old runs",
                })
            }
            Self::Await { jobs } => {
                let jobs: Vec<String> = jobs.iter().map(ToString::to_string).collect();
                write!(f, "wait until there are no jobs of {}", jobs.join(", "))
            }
            Self::Canary(Canary { roll: Roll { process, to, .. }, instances, seconds }) => {
                write!(
                    f,
                    "try a canary of {process} for {seconds} s: one instance of {to} beside the {instances}"
                )
            }
            Self::Roll(Roll { process, from, to, place }) => {
                let place = at(place.as_ref());
                match from {
                    Some(from) => write!(f, "replace {process}{place}: {from} → {to}"),
                    None => write!(f, "replace {process}{place}: new → {to}"),
                }
            }
        }
    }
}

fn at(place: Option<&String>) -> String {
    place.map(|place| format!(" at {place}")).unwrap_or_default()
}
