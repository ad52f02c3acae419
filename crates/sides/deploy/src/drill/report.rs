//! The result of a drill.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    list::{Drill, MayFail},
    relay::REASON,
};
use crate::release::Receipt;
use platform::prober::Seen;

/// One drill, carried out.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The drill.
    pub drill: String,
    /// Whether everything was seen that must be seen.
    pub passed: bool,
    /// In a word or two: `undone`, `released, then rolled back`, `skipped` or `not possible here`.
    pub ended: String,
    /// Why it was not carried out.
    pub not_possible: Option<String>,
    /// What was not as it must be.
    pub faults: Vec<String>,
    /// From the first moment at which an instance of the bad build was there to the last. None when there was none, or
    /// when the build was to stay.
    pub seconds_until_good: Option<f64>,
    /// Requests of the drill's own strict clients.
    pub requests: u64,
    /// Of those, the ones that failed.
    pub failed: u64,
    /// By what went wrong.
    pub failures: BTreeMap<String, u64>,
    /// Jobs that are nowhere any more. None when that is not known.
    pub jobs_lost: Option<i64>,
    /// Ticks that were due and did not fire. None when that is not known.
    pub ticks_missed: Option<u64>,
    /// How long it took, the check at the end included.
    pub seconds: f64,
    /// The receipt of the release, or of the rollback behind a release that was killed.
    pub receipt: Option<Receipt>,
}

impl Report {
    /// One that this application has no process for.
    pub(super) fn skipped(drill: &Drill) -> Self {
        Self {
            drill: drill.name.to_owned(),
            passed: true,
            ended: "skipped".to_owned(),
            not_possible: None,
            faults: Vec::new(),
            seconds_until_good: None,
            requests: 0,
            failed: 0,
            failures: BTreeMap::new(),
            jobs_lost: None,
            ticks_missed: None,
            seconds: 0.0,
            receipt: None,
        }
    }

    /// One that this machine does not allow, and why.
    pub(super) fn not_possible(drill: &Drill, why: String) -> Self {
        Self { ended: "not possible here".to_owned(), not_possible: Some(why), ..Self::skipped(drill) }
    }

    /// Takes over what was measured, and finds fault with it.
    pub(super) fn measured(&mut self, may_fail: MayFail, seen: Option<&Seen>, receipt: Option<Receipt>) {
        if let Some(seen) = seen {
            (self.requests, self.failed) = (seen.all(), seen.failed());
            self.failures = seen.failures.clone();
            self.faults.extend(unexpected(may_fail, seen));
        }
        self.jobs_lost = receipt.as_ref().and_then(|receipt| receipt.jobs.as_ref()).map(|jobs| jobs.lost);
        self.ticks_missed =
            receipt.as_ref().and_then(|receipt| receipt.ticks.as_ref()).map(|ticks| ticks.missed);
        match self.jobs_lost {
            None => self.faults.push("the receipt does not say what happened to the jobs".to_owned()),
            Some(0) => {}
            Some(lost) => self.faults.push(format!("{lost} jobs were lost")),
        }
        if let Some(missed) = self.ticks_missed.filter(|missed| *missed > 0) {
            self.faults.push(format!("{missed} ticks were missed"));
        }
        self.receipt = receipt;
    }
}

/// Failures that the drill does not explain.
fn unexpected(may_fail: MayFail, seen: &Seen) -> Option<String> {
    let is_explained = |failure: &str| match may_fail {
        MayFail::None => false,
        MayFail::AnsweredByBadBuild => failure.contains(REASON),
        MayFail::CutOff => !failure.contains("answered"),
        MayFail::WhileAway => true,
    };
    let odd: Vec<String> = seen
        .failures
        .iter()
        .filter(|(failure, _)| !is_explained(failure))
        .map(|(failure, count)| format!("{count} × {failure}"))
        .collect();
    (!odd.is_empty()).then(|| format!("requests failed unexpectedly: {}", odd.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_what_the_bad_build_answered_is_explained_by_it() {
        let seen = |failure: &str| {
            let mut seen = Seen::default();
            seen.count(Duration::ZERO, Some(failure));
            seen
        };
        let said = |may_fail, failure: &str| unexpected(may_fail, &seen(failure)).is_some();
        assert!(!said(MayFail::AnsweredByBadBuild, "answered HTTP/1.1 500 Drill"));
        assert!(said(MayFail::AnsweredByBadBuild, "answered HTTP/1.1 500 Broken"));
        assert!(said(MayFail::None, "answered HTTP/1.1 500 Drill"));
        assert!(!said(MayFail::CutOff, "Connection reset by peer"));
        assert!(said(MayFail::CutOff, "answered HTTP/1.1 503 Drill"));
    }
}
