//! What was done and what was measured meanwhile.

use std::fmt;

use platform::prober::Seen;
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::ledger::{Jobs, Ticks};
use crate::outcome::Outcome;

/// Printed, and stored in `sides.releases`.
#[derive(Debug, Serialize)]
pub(crate) struct Receipt {
    pub(crate) outcome: Verdict,
    /// Why it was undone.
    pub(crate) reason: Option<String>,
    pub(crate) steps: Vec<Done>,
    pub(crate) seconds: f64,
    /// None when web was not running when the release began.
    #[serde(serialize_with = "requests")]
    pub(crate) requests: Option<Seen>,
    /// None when the database could not be asked in the end.
    pub(crate) jobs: Option<Jobs>,
    pub(crate) ticks: Option<Ticks>,
}

/// One step that was taken.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Done {
    pub(crate) what: String,
    pub(crate) seconds: f64,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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

fn requests<S: Serializer>(seen: &Option<Seen>, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(seen) = seen else { return serializer.serialize_none() };
    let mut map = serializer.serialize_map(Some(4))?;
    map.serialize_entry("good", &seen.good)?;
    map.serialize_entry("failed", &seen.failed())?;
    map.serialize_entry("failures", &seen.failures)?;
    map.serialize_entry("slowest_ms", &seen.slowest.as_millis())?;
    map.end()
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = match self.outcome {
            Verdict::Released => "Released",
            Verdict::Undone => "Undone",
            Verdict::Partial => "Half done: neither the release nor its undoing came to its end",
        };
        write!(f, "{title}, in {:.1} s.", self.seconds)?;
        if let Some(reason) = &self.reason {
            write!(f, "\n  because   {reason}")?;
        }
        for step in &self.steps {
            write!(f, "\n  {:6.1} s  {}", step.seconds, step.what)?;
        }
        match &self.requests {
            Some(seen) => {
                let slowest = seen.slowest.as_millis();
                write!(
                    f,
                    "\n  requests  {} good, {} failed, slowest {slowest} ms",
                    seen.good,
                    seen.failed()
                )?;
                for (reason, count) in &seen.failures {
                    write!(f, "\n            {count} × {reason}")?;
                }
            }
            None => f.write_str("\n  requests  not measured: web was not running yet")?,
        }
        match &self.jobs {
            Some(jobs) => write!(
                f,
                "\n  jobs      {} waited before, {} lost; {} ended meanwhile ({} with an error), {} wait now",
                jobs.waiting_before, jobs.lost, jobs.ended, jobs.failed, jobs.waiting_after
            )?,
            None => f.write_str("\n  jobs      not measured: the database did not answer")?,
        }
        match &self.ticks {
            Some(Ticks { fired, latest_seconds: Some(latest) }) => {
                write!(f, "\n  ticks     {fired} fired, the latest {latest:.1} s late")
            }
            Some(Ticks { fired, .. }) => write!(f, "\n  ticks     {fired} fired"),
            None => f.write_str("\n  ticks     not measured: the database did not answer"),
        }
    }
}
