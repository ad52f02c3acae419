//! The result of one check.

use deploy::preflight::Obstacle;
use serde::Serialize;

/// What is thought of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Good,
    /// Worth knowing; things work without it.
    Notice,
    /// Something will not work.
    Fault,
}

/// What was looked at, what was seen, and what to do about it. Never holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) topic: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) text: String,
    pub(crate) advice: Option<String>,
}

impl Finding {
    pub(crate) fn good(topic: &'static str, text: impl Into<String>) -> Self {
        Self { topic, verdict: Verdict::Good, text: text.into(), advice: None }
    }

    pub(crate) fn notice(topic: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { topic, verdict: Verdict::Notice, text: text.into(), advice: Some(advice.into()) }
    }

    pub(crate) fn fault(topic: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { topic, verdict: Verdict::Fault, text: text.into(), advice: Some(advice.into()) }
    }

    /// What keeps a release from beginning, in the words in which the release says it.
    pub(crate) fn obstacle(obstacle: Obstacle) -> Self {
        Self::fault(obstacle.topic, obstacle.text, obstacle.next)
    }
}
