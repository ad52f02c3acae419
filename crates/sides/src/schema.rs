//! `sides migration …`: the commands of `migrate`, on the database that `dev` uses.

use std::process::ExitCode;

use anyhow::Context as _;
use cluster::{Cluster, Opened, Settings};
use migrate::cli::{self, Command, Common};

use crate::{dev, workspace::Workspace};

pub(crate) async fn run(
    workspace: &Workspace,
    command: Command,
    mut common: Common,
) -> anyhow::Result<ExitCode> {
    // In a checkout its files count, not what this program was built with.
    let folder = workspace.root().join("migrations");
    if common.folder.is_none() && folder.is_dir() {
        common.folder = Some(folder);
    }
    if let Some(outcome) = cli::without_database(&command, &common) {
        return Ok(outcome.into());
    }
    if let Some(url) = dev::named_database()? {
        return Ok(cli::run(&url, command, &common).await.into());
    }
    workspace.create_folders()?;
    // The one that a `dev` runs, or one that lives as long as this command.
    let opened = Cluster::open(workspace.postgres_folder(), Settings::default()).await?;
    let url = opened.url().parse().context("the private Postgres has no address that is understood")?;
    let outcome = cli::run(&url, command, &common).await;
    if let Opened::Started(cluster) = opened {
        cluster.stop().await;
    }
    Ok(outcome.into())
}
