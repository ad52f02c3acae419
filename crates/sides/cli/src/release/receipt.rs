//! What was done and what was measured meanwhile.

use std::{collections::BTreeMap, time::Duration};

use platform::prober::Seen;
use serde::{Deserialize, Serialize};

use super::{
    count::{Block, Jobs, Ticks},
    rehearsal::Rehearsal,
};
use crate::outcome::Outcome;

/// Printed, and stored in `sides.releases`. What an older build did not measure is missing in its receipts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) outcome: Verdict,
    /// Why it was undone.
    pub(crate) reason: Option<String>,
    /// Which release followed which, by process.
    #[serde(default)]
    pub(crate) processes: BTreeMap<String, Replaced>,
    pub(crate) steps: Vec<Done>,
    pub(crate) seconds: f64,
    /// None when web was not running when the release began.
    pub(crate) requests: Option<Requests>,
    /// Of those, the ones before web was touched: what the new one is held to.
    #[serde(default)]
    pub(crate) requests_before: Option<Requests>,
    /// None when the database could not be asked in the end.
    pub(crate) jobs: Option<Jobs>,
    pub(crate) ticks: Option<Ticks>,
    /// None when nobody was seen to wait for a lock.
    #[serde(default)]
    pub(crate) longest_block: Option<Block>,
    /// The step that goes on, of a release that has not ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) doing: Vec<String>,
    /// What a person should know beside.
    #[serde(default)]
    pub(crate) notes: Vec<String>,
    /// What the stage of a rehearsal had and had not; none of a release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rehearsal: Option<Rehearsal>,
}

/// One process, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replaced {
    /// The digest; none for a process that was never released.
    pub(crate) from: Option<String>,
    pub(crate) to: String,
    /// The place that runs it; none is the host of the machine that released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<String>,
}

/// One step that was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) what: String,
    pub(crate) seconds: f64,
}

/// Requests of the strict prober.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Requests {
    pub(crate) good: u64,
    pub(crate) failed: u64,
    /// By what went wrong.
    pub(crate) failures: BTreeMap<String, u64>,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) slowest_ms: f64,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Every process answers, in the expected release.
    Released,
    /// What had been replaced was put back.
    Undone,
    /// Not even that: some processes are new, some old.
    Partial,
}

impl Verdict {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Undone => "undone",
            Self::Partial => "partial",
        }
    }
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Released => Self::Done,
            Verdict::Undone => Self::Undone,
            Verdict::Partial => Self::Partial,
        }
    }
}

impl From<&Seen> for Requests {
    fn from(seen: &Seen) -> Self {
        let ms = |duration: Duration| (duration.as_secs_f64() * 10_000.0).round() / 10.0;
        Self {
            good: seen.good,
            failed: seen.failed(),
            failures: seen.failures.clone(),
            p50_ms: Some(ms(seen.percentile(50.0))),
            p99_ms: Some(ms(seen.percentile(99.0))),
            slowest_ms: ms(seen.slowest),
        }
    }
}

impl Receipt {
    /// That of a release which has not ended. Stored while it goes on, so that one that is cut off leaves it.
    pub(super) fn unfinished(processes: BTreeMap<String, Replaced>, steps: Vec<Done>, seconds: f64) -> Self {
        Self {
            outcome: Verdict::Partial,
            reason: Some("it goes on, or was cut off".to_owned()),
            processes,
            steps,
            seconds,
            requests: None,
            requests_before: None,
            jobs: None,
            ticks: None,
            longest_block: None,
            doing: Vec::new(),
            notes: Vec::new(),
            rehearsal: None,
        }
    }
}
