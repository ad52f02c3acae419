//! The class of a statement.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Lock, Phase, Reason, Who};

/// How much a statement does while it holds its locks, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Some rows of the catalogue.
    Nothing,
    /// Reads a table.
    Scan,
    /// Reads a table and writes an index.
    IndexBuild,
    /// Writes a table anew.
    Rewrite,
}

/// What a statement does to those who work beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// The strongest lock on each relation that was there before and is locked in more than `AccessShare`,
    /// by the name as it is written, without `public`.
    pub locks: BTreeMap<String, Lock>,
    /// What it does meanwhile.
    pub work: Work,
    /// When it may run.
    pub phase: Phase,
    /// Whose code decides whether the change is felt; nobody's where this is not set.
    pub depends_on: Option<Who>,
    /// Why it must not run as it is.
    pub refused: Option<Reason>,
    /// What it is mainly about, so that a thing of this migration's own is recognised.
    #[serde(skip)]
    pub(crate) subject: Option<String>,
}

impl Class {
    /// A statement that nobody notices.
    pub(crate) fn unnoticed() -> Self {
        Self {
            locks: BTreeMap::new(),
            work: Work::Nothing,
            phase: Phase::Expand,
            depends_on: None,
            refused: None,
            subject: None,
        }
    }

    pub(crate) fn on(relation: &str, lock: Lock) -> Self {
        let class = Self { subject: Some(relation.to_owned()), ..Self::unnoticed() };
        class.and_on(relation, lock)
    }

    pub(crate) fn and_on(mut self, relation: &str, lock: Lock) -> Self {
        let held = self.locks.entry(relation.to_owned()).or_insert(lock);
        *held = lock.max(*held);
        self
    }

    pub(crate) fn and_on_each<'a>(self, relations: impl IntoIterator<Item = &'a String>, lock: Lock) -> Self {
        relations.into_iter().fold(self, |class, relation| class.and_on(relation, lock))
    }

    pub(crate) fn doing(mut self, work: Work) -> Self {
        self.work = self.work.max(work);
        self
    }

    pub(crate) fn refused(mut self, reason: Reason) -> Self {
        self.refused.get_or_insert(reason);
        self
    }

    pub(crate) fn contract(mut self) -> Self {
        self.phase = Phase::Contract;
        self
    }

    pub(crate) fn backfill(mut self) -> Self {
        self.phase = Phase::Backfill;
        self
    }

    pub(crate) fn felt_by(mut self, who: Who) -> Self {
        self.depends_on = Some(who);
        self
    }

    /// Both in one statement.
    pub(crate) fn with(self, other: Self) -> Self {
        let locks =
            other.locks.iter().fold(self.clone(), |class, (name, lock)| class.and_on(name, *lock)).locks;
        Self {
            locks,
            work: self.work.max(other.work),
            phase: self.phase.max(other.phase),
            depends_on: self.depends_on.or(other.depends_on),
            refused: self.refused.or(other.refused),
            subject: self.subject.or(other.subject),
        }
    }
}
