//! The receipt: what was done, and what was measured meanwhile.

use std::{collections::BTreeMap, time::Duration};

use platform::prober::Seen;
use serde::{Deserialize, Serialize};

use super::{
    count::{Block, Jobs, Ticks},
    rehearsal::Rehearsal,
};
use workspace::{Outcome, releases::StepId};

/// Printed, and stored in `sides.releases`. What an older build did not measure is missing in its receipts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Receipt {
    /// How it ended.
    pub outcome: Verdict,
    /// Why it was undone.
    pub reason: Option<String>,
    /// Which release followed which, by process.
    #[serde(default)]
    pub processes: BTreeMap<String, Replaced>,
    /// The steps that were taken, in their order.
    pub steps: Vec<Done>,
    /// How long it took.
    pub seconds: f64,
    /// None when web was not running when the release began.
    pub requests: Option<Requests>,
    /// Of those, the ones before web was touched: what the new one is held to.
    #[serde(default)]
    pub requests_before: Option<Requests>,
    /// None when the database could not be asked at the end.
    pub jobs: Option<Jobs>,
    /// As the jobs.
    pub ticks: Option<Ticks>,
    /// None when nobody was seen to wait for a lock.
    #[serde(default)]
    pub longest_block: Option<Block>,
    /// The step that goes on, of a release that has not ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doing: Vec<String>,
    /// What a person should know beside.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What the stage of a rehearsal had and had not; none of a release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Rehearsal>,
}

/// One process, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// The digest; none for a process that was never released.
    pub from: Option<String>,
    /// The digest.
    pub to: String,
    /// The place that runs it; none is the host of the machine that released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// One step that was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Which step it is, for programs; none in receipts of older builds.
    #[serde(default, rename = "step", skip_serializing_if = "Option::is_none")]
    pub id: Option<StepId>,
    /// In words, as it is called when it is over.
    pub what: String,
    /// How long it took.
    pub seconds: f64,
}

/// Requests of the strict prober.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Requests {
    /// Those that were answered with 200.
    pub good: u64,
    /// All others.
    pub failed: u64,
    /// By what went wrong.
    pub failures: BTreeMap<String, u64>,
    /// Half of the good ones took at most this long, in milliseconds.
    pub p50_ms: Option<f64>,
    /// 99 of 100 good ones took at most this long, in milliseconds.
    pub p99_ms: Option<f64>,
    /// The longest of all, in milliseconds.
    pub slowest_ms: f64,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every process answers, in the expected release.
    Released,
    /// What had been replaced was put back.
    Undone,
    /// Not even that: some processes are new, some old.
    Partial,
}

impl Verdict {
    /// In one word, for programs.
    pub fn name(self) -> &'static str {
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
    /// That of a release which has not ended. Stored while it goes on, so that one that is interrupted leaves it.
    pub(super) fn unfinished(processes: BTreeMap<String, Replaced>, steps: Vec<Done>, seconds: f64) -> Self {
        Self {
            outcome: Verdict::Partial,
            reason: Some("still in progress, or interrupted".to_owned()),
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
