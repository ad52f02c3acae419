//! A release in progress: its content, and the steps taken so far.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Set;

/// A release that began and has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interrupted {
    /// What ran when it began: the last set that was known to be good.
    pub from: Set,
    /// What it wanted.
    pub to: Set,
    /// Whether it is a rollback.
    #[serde(default)]
    pub goes_back: bool,
    /// Its steps, those of its undoing last.
    #[serde(default)]
    pub steps: Vec<Noted>,
}

/// Which step of a release: the same in its plan, in its journal and in its receipt, whatever words are used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StepId {
    /// Applies a migration.
    Migrate {
        /// Its folder.
        migration: String,
    },
    /// Waits until no such job is left.
    Await {
        /// The jobs, each with its version.
        jobs: Vec<String>,
    },
    /// Has one instance of the new build serve beside the others of a process.
    Canary {
        /// As in `Procfile.NAME`.
        process: String,
    },
    /// Ends that instance: it is bad, or something else is.
    EndCanary {
        /// As in `Procfile.NAME`.
        process: String,
    },
    /// Replaces a process.
    Replace {
        /// As in `Procfile.NAME`.
        process: String,
    },
    /// Watches the new builds.
    Watch {
        /// Whether nothing follows; otherwise what follows cannot be taken back.
        last: bool,
    },
    /// Undoes the replacement of a process.
    PutBack {
        /// As in `Procfile.NAME`.
        process: String,
    },
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Which it is; none in a file that an older build left.
    #[serde(default, rename = "step", skip_serializing_if = "Option::is_none")]
    pub id: Option<StepId>,
    /// What it is, as the plan calls it.
    pub what: String,
    /// How far it is.
    pub stage: Stage,
}

/// How far a step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not begun.
    Waits,
    /// It may have come to its end, and nobody has seen it.
    Begun,
    /// Over, and all went well.
    Done,
}

impl Interrupted {
    /// One that has not taken a step.
    pub fn new(from: Set, to: Set) -> Self {
        Self { from, to, goes_back: false, steps: Vec::new() }
    }

    /// Whether new builds are being watched: all of them, or one of the canaries that serve, each by its process.
    #[must_use]
    pub fn is_watched(&self, canaries: &BTreeMap<String, String>) -> bool {
        let begun = self.steps.iter().filter(|step| step.stage == Stage::Begun);
        begun.filter_map(|step| step.id.as_ref()).any(|id| match id {
            StepId::Watch { .. } => true,
            StepId::Canary { process } => canaries.contains_key(process),
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_told_by_its_kind_and_a_file_of_an_older_build_is_read() {
        let noted = Noted {
            id: Some(StepId::Replace { process: "web".to_owned() }),
            what: "replace web".to_owned(),
            stage: Stage::Begun,
        };
        let text = serde_json::to_string(&noted).unwrap();
        assert_eq!(
            text,
            r#"{"step":{"kind":"replace","process":"web"},"what":"replace web","stage":"begun"}"#
        );
        assert_eq!(serde_json::from_str::<Noted>(&text).unwrap(), noted);
        let old: Noted = serde_json::from_str(r#"{"what": "replace web", "stage": "begun"}"#).unwrap();
        assert_eq!(old, Noted { id: None, ..noted });
    }
}
