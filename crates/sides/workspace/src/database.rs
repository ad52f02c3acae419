//! The database that a command uses: the one of `DATABASE_URL`, or a private one for the duration of the command.

use std::env;

use anyhow::{Context as _, bail};
use database::DatabaseUrl;
use postgres::{Cluster, Opened, Settings};

use crate::Workspace;

/// The address in `DATABASE_URL`, when it is set to something.
pub fn named_database() -> anyhow::Result<Option<DatabaseUrl>> {
    match env::var("DATABASE_URL") {
        Ok(text) if !text.trim().is_empty() => Ok(Some(text.parse().context("DATABASE_URL")?)),
        Err(env::VarError::NotUnicode(_)) => anyhow::bail!("DATABASE_URL is not valid UTF-8"),
        _ => Ok(None),
    }
}

/// Works on the database that `dev` would use: the one that DATABASE_URL names, or else this workspace's private one,
/// which is started for as long as the work takes when no `dev` runs it. Makes none: there would be nothing in it.
pub async fn with_database<T>(
    workspace: &Workspace,
    work: impl AsyncFnOnce(&DatabaseUrl) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if named_database()?.is_none() && !Cluster::exists(workspace.postgres_folder()) {
        bail!(
            "there is no database: DATABASE_URL is not set, and no `sides dev` has run in {}; set DATABASE_URL, or start `sides dev`",
            workspace.root().display()
        );
    }
    with_database_or_new(workspace, work).await
}

/// The same, on a new private one where there is none yet.
pub async fn with_database_or_new<T>(
    workspace: &Workspace,
    work: impl AsyncFnOnce(&DatabaseUrl) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if let Some(url) = named_database()? {
        return work(&url).await;
    }
    workspace.create_folders()?;
    let opened = Cluster::open(workspace.postgres_folder(), Settings::default()).await?;
    let url = opened.url().parse().context("cannot parse the address of the private Postgres")?;
    let done = work(&url).await;
    if let Opened::Started(cluster) = opened {
        cluster.stop().await;
    }
    done
}
