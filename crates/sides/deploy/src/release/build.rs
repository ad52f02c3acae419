//! Builds every program on its own: a feature that one of them turns on in a common dependency must not change
//! another.

use std::{path::PathBuf, process::Stdio, time::Instant};

use anyhow::{Context as _, bail};
use database::DatabaseUrl;
use platform::{
    local::bind_to_supervisor,
    procfile::{self, Procfile},
};
use serde::Deserialize;
use tokio::process::Command;

use super::{origin::Origin, remap};
use crate::progress::Progress;
use workspace::{
    Workspace,
    cargo::{self, Metadata},
    releases::{Set, Store},
};

/// The program that changes the schema.
const MIGRATE: &str = "migrate";

pub(super) struct Built {
    /// The digests of the programs that were asked for, by process.
    pub(super) set: Set,
    /// `None` when the workspace has no program that changes the schema.
    pub(super) migrate: Option<Migrate>,
}

/// The program that changes the schema, as built just now and kept from whoever builds meanwhile.
pub(super) struct Migrate(pub(super) PathBuf);

pub(super) async fn run(
    workspace: &Workspace,
    store: &Store,
    progress: &dyn Progress,
    only: &[String],
) -> anyhow::Result<Built> {
    let set = programs(workspace, store, progress, only).await?;
    let metadata = metadata(workspace).await?;
    let migrate = match metadata.has_program(MIGRATE) {
        true => {
            let built = build(workspace, progress, &metadata, MIGRATE).await?;
            Some(Migrate(store.keep_schema_program(&built)?))
        }
        false => None,
    };
    Ok(Built { set, migrate })
}

/// Builds what the Procfiles name and keeps it; the digests by process.
pub(crate) async fn programs(
    workspace: &Workspace,
    store: &Store,
    progress: &dyn Progress,
    only: &[String],
) -> anyhow::Result<Set> {
    let procfiles = procfile::discover(workspace.root())?;
    if let Some(unknown) = only.iter().find(|name| procfiles.iter().all(|one| one.name != **name)) {
        bail!("there is no Procfile.{unknown} in {}", workspace.root().display());
    }
    let metadata = metadata(workspace).await?;
    let wanted: Vec<Procfile> =
        procfiles.into_iter().filter(|one| only.is_empty() || only.contains(&one.name)).collect();
    let origin = Origin::read(workspace, &wanted).await?;
    let mut built = Vec::new();
    for procfile in &wanted {
        let program = &procfile.program;
        let file = build(workspace, progress, &metadata, program).await.with_context(|| {
            format!("{}: cannot build {program}; the running processes were left alone", procfile.origin)
        })?;
        built.push((procfile, file));
    }
    let after = Origin::read(workspace, &wanted).await?;
    let mut set = Set::new();
    for (procfile, file) in built {
        let record = origin.record(procfile, &after);
        set.insert(procfile.name.clone(), store.keep(&procfile.name, &record, &file)?);
    }
    Ok(set)
}

async fn metadata(workspace: &Workspace) -> anyhow::Result<Metadata> {
    Metadata::read(workspace).await?.context("there is nothing to build here: release from the checkout")
}

async fn build(
    workspace: &Workspace,
    progress: &dyn Progress,
    metadata: &Metadata,
    program: &str,
) -> anyhow::Result<PathBuf> {
    let package = metadata.package_of(program).context("no package of this workspace builds it")?;
    let begun = Instant::now();
    let mut command = cargo::command(workspace);
    command.args(["build", "--release", "--quiet", "--package", package, "--bin", program]);
    remap::apply(&mut command, workspace, &metadata.target_directory).await?;
    command.stdin(Stdio::null()).stdout(Stdio::null());
    bind_to_supervisor(&mut command, None);
    let what = format!("build {program}");
    let status = progress.during(&what, command.status()).await.context(cargo::NOT_RUN)?;
    if !status.success() {
        bail!("cargo failed ({status}); see its output above");
    }
    progress.done(&format!("built {program}"), begun.elapsed());
    Ok(metadata.target_directory.join("release").join(program))
}

/// A migration that the database does not have yet, as `migrate plan` tells it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Pending {
    pub name: String,
    pub phase: planner::Phase,
    /// What it does to tables and columns; none when that could not be tried.
    pub changes: Option<Vec<planner::Change>>,
    /// What has to be put right before it may run.
    pub problems: Vec<String>,
    /// Why it could not be tried.
    pub note: Option<String>,
}

impl Migrate {
    /// The migrations that the database does not have yet, in their order.
    pub(super) async fn pending(&self, url: &DatabaseUrl) -> anyhow::Result<Vec<Pending>> {
        let (status, said, why) = self.ask(&["plan", "--json"], url).await?;
        let told = said.lines().filter(|line| line.contains("\"phase\""));
        let lines: Result<Vec<Pending>, _> = told.map(serde_json::from_str).collect();
        let lines = lines.context("the answer of migrate plan is in the format of another version")?;
        // Refused migrations are told as well as others, with what is wrong with them.
        if !status.success() && lines.iter().all(|line| line.problems.is_empty()) {
            bail!("migrate plan failed ({status}):\n{said}{}", why.trim_end());
        }
        Ok(lines)
    }

    /// Applies one of them, a backfill to its end.
    pub(super) async fn apply(&self, url: &DatabaseUrl, name: &str) -> anyhow::Result<()> {
        let (status, said, why) = self.ask(&["up", "--only", name], url).await?;
        if !status.success() {
            bail!("migrate up --only {name} failed ({status}):\n{said}{}", why.trim_end());
        }
        Ok(())
    }

    async fn ask(
        &self,
        arguments: &[&str],
        url: &DatabaseUrl,
    ) -> anyhow::Result<(std::process::ExitStatus, String, String)> {
        let mut command = Command::new(&self.0);
        // The address may hold a password: never in the arguments, which everyone can read.
        command.args(arguments).env("DATABASE_URL", url.expose()).stdin(Stdio::null());
        bind_to_supervisor(&mut command, None);
        let output = command.output().await.context("cannot run migrate")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((output.status, text(&output.stdout), text(&output.stderr)))
    }
}
