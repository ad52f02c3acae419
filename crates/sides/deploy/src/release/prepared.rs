//! Builds made in advance: a rehearsal builds once and releases that on its stage, and a release that is detached was built by
//! the command that a person waited for.

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
    /// What a command hands over to the release that it starts in the background.
    #[serde(default)]
    pub handed_over: Option<HandedOver>,
}

/// What the command that built knows, and the release that goes on in the background must know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HandedOver {
    /// Only these processes; none is all of them.
    pub only: Vec<String>,
    /// What ran when the build began.
    pub before: Set,
    /// Where the output goes.
    pub log: PathBuf,
}

/// Builds as a release does.
pub(crate) async fn build(
    workspace: &Workspace,
    store: &Store,
    progress: &dyn Progress,
    only: &[String],
) -> anyhow::Result<Prepared> {
    let Built { set, migrate } = build::run(workspace, store, progress, only).await?;
    Ok(Prepared { set, migrate: migrate.map(|migrate| migrate.0), rehearsal: None, handed_over: None })
}

impl Prepared {
    /// Reads what somebody else has built. What was handed over is for one release, and its file is removed.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let prepared: Self = serde_json::from_slice(&text).with_context(|| {
            format!(
                "{} was written neither by `sides rehearse` nor by `sides release --detach`",
                file.display()
            )
        })?;
        if prepared.handed_over.is_some() {
            fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
        Ok(prepared)
    }

    /// For a release in the background.
    pub(super) fn of(built: Built, handed_over: HandedOver) -> Self {
        let Built { set, migrate } = built;
        let migrate = migrate.map(|migrate| migrate.0);
        Self { set, migrate, rehearsal: None, handed_over: Some(handed_over) }
    }

    /// As if it had been built just now, and what a rehearsal says of it.
    pub(super) fn opened(self) -> (Built, Option<Rehearsal>) {
        (Built { set: self.set, migrate: self.migrate.map(Migrate) }, self.rehearsal)
    }
}
