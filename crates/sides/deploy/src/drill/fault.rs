//! The ways in which a bad build fails.

use std::{fmt, str::FromStr};

/// What a stand-in does in place of the good program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: other bytes that do the same.
    Harmless,
    /// Ends at once, with an exit code.
    DiesAtStart,
    /// Never says that it is ready.
    NeverReady,
    /// Answers 500 to visitors from a moment on.
    Answers500,
    /// Answers 500 to one request in 200 from a moment on.
    AnswersSome500,
    /// Ends its answers in the middle from a moment on.
    CutsOff,
    /// Accepts from a moment on, and never answers.
    Hangs,
    /// Answers late from a moment on.
    Slow,
    /// Answers late from the start.
    SlowAtStart,
    /// Ends from a moment on, with an exit code.
    Dies,
    /// Takes more and more memory from a moment on.
    Leaks,
    /// Stands still most of the time from a moment on, so that what it does is late.
    Late,
    /// Takes jobs of every kind that the good build handles, and fails at all of them.
    FailsJobs,
    /// Works the jobs of every kind but one from a moment on, and fails at those.
    FailsOneKind,
}

const NAMES: [(&str, Fault); 14] = [
    ("harmless", Fault::Harmless),
    ("dies-at-start", Fault::DiesAtStart),
    ("never-ready", Fault::NeverReady),
    ("answers-500", Fault::Answers500),
    ("answers-some-500", Fault::AnswersSome500),
    ("cuts-off", Fault::CutsOff),
    ("hangs", Fault::Hangs),
    ("slow", Fault::Slow),
    ("slow-at-start", Fault::SlowAtStart),
    ("dies", Fault::Dies),
    ("leaks", Fault::Leaks),
    ("late", Fault::Late),
    ("fails-jobs", Fault::FailsJobs),
    ("fails-one-kind", Fault::FailsOneKind),
];

impl Fault {
    /// Whether it is in what visitors are answered.
    pub(super) fn is_in_answers(self) -> bool {
        use Fault::{Answers500, AnswersSome500, CutsOff, Hangs, Slow, SlowAtStart};
        matches!(self, Answers500 | AnswersSome500 | CutsOff | Hangs | Slow | SlowAtStart)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = NAMES.iter().find(|(_, fault)| fault == self);
        f.write_str(named.map_or("unknown", |(name, _)| name))
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = NAMES.iter().find(|(name, _)| *name == text);
        named.map(|(_, fault)| *fault).ok_or_else(|| format!("there is no fault {text:?}"))
    }
}
