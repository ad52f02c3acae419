//! What a check finds.

use serde::{Deserialize, Serialize};

use crate::{
    class::{Class, Phase},
    recipe::Instead,
};

/// What was found in one migration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Checked {
    /// The folder's name.
    pub name: String,
    /// When it may run: as declared, or as its statements and the catalogue say.
    pub phase: Phase,
    /// Its statements, in their order.
    pub statements: Vec<Finding>,
    /// What is wrong with the migration as a whole.
    pub problems: Vec<String>,
}

/// One statement and what is thought of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finding {
    /// The line in `up.sql`, from 1.
    pub line: usize,
    /// The statement, shortened.
    pub statement: String,
    /// Its class.
    #[serde(flatten)]
    pub class: Class,
    /// Why it may run although it is refused, as `metadata.toml` says.
    pub accepted: Option<String>,
    /// What of the code that runs no longer works after it, as it was seen.
    pub witness: Option<String>,
    /// What to write instead.
    #[serde(skip)]
    pub instead: Option<Instead>,
}

impl Finding {
    /// Whether it must not run as it is.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.class.refused.is_some() && self.accepted.is_none()
    }
}

impl Checked {
    /// Whether something must be changed before it may run.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        !self.problems.is_empty() || self.statements.iter().any(Finding::is_refused)
    }
}
