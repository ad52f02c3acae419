//! The record of a kept build: how to start it, and what it was built from.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::inputs::Inputs;

/// Kept beside the program as `release.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The program, as its Procfile named it.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The newest commit that is known to give these bytes.
    #[serde(default)]
    pub commit: Option<String>,
    /// Whether that commit alone does not: its work tree was changed in what this program is built from.
    #[serde(default)]
    pub dirty: bool,
    /// When it was built.
    pub built_at: DateTime<Utc>,
    /// What it was built from; none when that changed while it was built.
    #[serde(default)]
    pub inputs: Option<Inputs>,
}

impl Record {
    /// The commit, and a word when it is not all.
    pub fn origin(&self) -> Option<String> {
        let commit = self.commit.as_ref()?;
        Some(if self.dirty { format!("{commit}{DIRTY}") } else { commit.clone() })
    }
}

/// Behind a commit whose work tree had changes when it was built.
pub const DIRTY: &str = "-dirty";
