//! `metadata.toml`: settings of a migration that its statements do not show.

use serde::{Deserialize, Serialize};

use crate::class::Phase;

/// What `metadata.toml` says. Each is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Whether its statements are one transaction. Diesel itself takes a missing value for false; here the
    /// statements decide.
    pub run_in_transaction: Option<bool>,
    /// The phase, where a person knows better than the statements.
    pub phase: Option<Phase>,
    /// Why that phase.
    pub reason: Option<String>,
    /// Why statements of it may run that are refused otherwise.
    pub accept: Option<String>,
}
