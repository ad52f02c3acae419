//! Builds made in advance: a rehearsal builds once, and releases that on its stage.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::{
    build::{self, Built, Migrate},
    rehearsal::Rehearsal,
};
use crate::progress::Progress;
use workspace::{
    Workspace,
    releases::{Set, Store},
};

/// Kept builds and the program that migrates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Prepared {
    pub set: Set,
    migrate: Option<PathBuf>,
    /// What a rehearsal says of its stage, for the receipt.
    #[serde(default)]
    pub rehearsal: Option<Rehearsal>,
}

/// Builds as a release does.
pub(crate) async fn build(
    workspace: &Workspace,
    store: &Store,
    progress: &dyn Progress,
    only: &[String],
) -> anyhow::Result<Prepared> {
    let Built { set, migrate } = build::run(workspace, store, progress, only).await?;
    Ok(Prepared { set, migrate: migrate.map(|migrate| migrate.0), rehearsal: None })
}

impl Prepared {
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} was not written by `sides rehearse`", file.display()))
    }

    /// As if it had been built just now, and what a rehearsal says of it.
    pub(super) fn opened(self) -> (Built, Option<Rehearsal>) {
        (Built { set: self.set, migrate: self.migrate.map(Migrate) }, self.rehearsal)
    }
}
