//! In which phase of a release a change may run.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The phase of a change, in the order of a roll-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the new code: nothing that runs can notice.
    Expand,
    /// Beside it, in batches.
    Backfill,
    /// When nothing old runs any more.
    Contract,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expand => "expand",
            Self::Backfill => "backfill",
            Self::Contract => "contract",
        })
    }
}

impl FromStr for Phase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Expand, Self::Backfill, Self::Contract]
            .into_iter()
            .find(|phase| phase.to_string() == text)
            .ok_or_else(|| "known are expand, backfill and contract".to_owned())
    }
}

/// Whose code decides whether a change is felt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Those that read the table.
    Readers,
    /// Those that write to it.
    Writers,
}
