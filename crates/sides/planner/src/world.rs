//! The planner's input.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Arguments, Catalogue, Change, Manifest, WaitingJob};

/// What runs, what is wanted, what the schema is and becomes, and which jobs wait.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    /// The database as it is.
    pub catalogue: Catalogue,
    /// The schema steps that are pending, in the order of their lane.
    #[serde(default)]
    pub steps: Vec<SchemaStep>,
    /// Every process, changed or not.
    pub processes: Vec<Process>,
    /// Jobs that are queued, scheduled or waiting for a retry.
    #[serde(default)]
    pub waiting: BTreeSet<WaitingJob>,
    /// What is known of the arguments that those jobs have.
    #[serde(default)]
    pub shapes: Vec<Shape>,
    /// Schedules that people have stored: their jobs never end.
    #[serde(default)]
    pub schedules: Vec<Scheduled>,
}

/// The job of a stored schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {
    /// The schedule's name.
    pub name: String,
    /// What it enqueues.
    pub shape: Shape,
}

/// The arguments of some jobs that wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Their kind and version.
    pub job: WaitingJob,
    /// Their fields with the JSON types of what is in them.
    pub arguments: Arguments,
}

/// One pending schema step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaStep {
    /// The migration's name.
    pub name: String,
    /// When it belongs.
    pub phase: Phase,
    /// What it does to the catalogue.
    pub changes: Vec<Change>,
}

/// Where a schema step stands to the code that needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Ahead of the new code; the old code does not notice.
    Expand,
    /// Beside the code: data is moved, the catalogue stays.
    Backfill,
    /// When nothing needs the old shape any more. There is no way back past it.
    Contract,
}

/// One process and what shall become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its name.
    pub name: String,
    /// The releases of which instances run: one as a rule, two when a release was left half done, none
    /// before the first.
    pub live: Vec<Manifest>,
    /// The release that shall run; none when the process is given up.
    pub wanted: Option<Manifest>,
}

impl Process {
    /// Whether the wanted release already runs, alone.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        match &self.wanted {
            Some(wanted) => matches!(self.live.as_slice(), [live] if live.digest == wanted.digest),
            None => self.live.is_empty(),
        }
    }
}

impl World {
    /// The catalogue before the first step, after it, after the second, and so on.
    #[must_use]
    pub fn catalogues(&self) -> Vec<Catalogue> {
        let mut catalogues = vec![self.catalogue.clone()];
        for step in &self.steps {
            let next = catalogues.last().unwrap_or(&self.catalogue).after(&step.changes);
            catalogues.push(next);
        }
        catalogues
    }
}
