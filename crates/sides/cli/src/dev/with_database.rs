//! The database for as long as one command takes.

use anyhow::Context as _;
use database::DatabaseUrl;
use postgres::{Cluster, Opened, Settings};

use super::named_database;
use crate::workspace::Workspace;

/// Works on the database that `dev` would use: the one that DATABASE_URL names, or else this workspace's private one,
/// which is started for as long as the work takes when no `dev` runs it.
pub(crate) async fn with_database<T>(
    workspace: &Workspace,
    work: impl AsyncFnOnce(&DatabaseUrl) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if let Some(url) = named_database()? {
        return work(&url).await;
    }
    workspace.create_folders()?;
    let opened = Cluster::open(workspace.postgres_folder(), Settings::default()).await?;
    let url = opened.url().parse().context("the private Postgres has no address that is understood")?;
    let done = work(&url).await;
    if let Opened::Started(cluster) = opened {
        cluster.stop().await;
    }
    done
}
