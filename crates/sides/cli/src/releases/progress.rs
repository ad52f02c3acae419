//! A release that has begun: what it is about, and how far it has come.

use serde::{Deserialize, Serialize};

use super::Set;

/// A release that began and has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Interrupted {
    /// What ran when it began: the last set that was known to be good.
    pub(crate) from: Set,
    /// What it wanted.
    pub(crate) to: Set,
    /// Whether it is a rollback.
    #[serde(default)]
    pub(crate) goes_back: bool,
    /// Its steps, those of its undoing last.
    #[serde(default)]
    pub(crate) steps: Vec<Noted>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Noted {
    pub(crate) what: String,
    pub(crate) stage: Stage,
}

/// How far a step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    Waits,
    /// It may have come to its end, and nobody has seen it.
    Begun,
    Done,
}

impl Interrupted {
    /// One that has not taken a step.
    pub(crate) fn new(from: Set, to: Set) -> Self {
        Self { from, to, goes_back: false, steps: Vec::new() }
    }
}
