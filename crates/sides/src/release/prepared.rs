//! What was built and kept before: a rehearsal builds once, and releases that on its stage.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::build::{self, Built, Migrate};
use crate::{
    display::Screen,
    releases::{Set, Store},
    workspace::Workspace,
};

/// Kept builds and the program that migrates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Prepared {
    pub(crate) set: Set,
    migrate: Option<PathBuf>,
}

/// Builds as a release does.
pub(crate) async fn build(
    workspace: &Workspace,
    store: &Store,
    screen: &Screen,
    only: &[String],
) -> anyhow::Result<Prepared> {
    let Built { set, migrate } = build::run(workspace, store, screen, only).await?;
    Ok(Prepared { set, migrate: migrate.map(|migrate| migrate.0) })
}

impl Prepared {
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is not what `sides rehearse` writes", file.display()))
    }
}

impl From<Prepared> for Built {
    fn from(prepared: Prepared) -> Self {
        Self { set: prepared.set, migrate: prepared.migrate.map(Migrate) }
    }
}
