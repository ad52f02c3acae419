//! A release that has begun: what it is about, and how far it has come.

use serde::{Deserialize, Serialize};

use super::Set;

/// A release that began and has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interrupted {
    /// What ran when it began: the last set that was known to be good.
    pub from: Set,
    /// What it wanted.
    pub to: Set,
    /// Whether it is a rollback.
    #[serde(default)]
    pub goes_back: bool,
    /// Its steps, those of its undoing last.
    #[serde(default)]
    pub steps: Vec<Noted>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// What it is, as the plan calls it.
    pub what: String,
    /// How far it is.
    pub stage: Stage,
}

/// How far a step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not begun.
    Waits,
    /// It may have come to its end, and nobody has seen it.
    Begun,
    /// Over, and all went well.
    Done,
}

impl Interrupted {
    /// One that has not taken a step.
    pub fn new(from: Set, to: Set) -> Self {
        Self { from, to, goes_back: false, steps: Vec::new() }
    }
}
