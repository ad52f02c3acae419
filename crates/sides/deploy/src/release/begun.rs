//! What every release begins with: the places, the host, the database, and the lock.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use database::DatabaseUrl;
use platform::procfile;
use tokio::time;
use workspace::{
    Workspace,
    control::{self, Client, DevStatus},
    named_database,
    releases::Store,
};

use super::{
    ledger::{self, Ledger},
    underway::Underway,
};
use crate::{places::Places, progress::Progress};

/// What a host was told before may take so long: a few instances that are never ready.
const IDLE_LIMIT: Duration = Duration::from_secs(180);

/// What every release begins with: the places and their database.
pub(super) struct Begun<'a> {
    progress: &'a dyn Progress,
    /// None when everything that may be replaced is remote, and no host is here.
    pub(super) status: Option<DevStatus>,
    pub(super) places: Places,
    pub(super) store: Store,
    pub(super) url: DatabaseUrl,
    needs_host: bool,
}

impl<'a> Begun<'a> {
    /// `None` when no host runs, and one of the processes (of all when none is named) needs it.
    pub(super) async fn begin(
        workspace: &Workspace,
        only: &[String],
        progress: &'a dyn Progress,
    ) -> anyhow::Result<Option<Self>> {
        let places = Places::read(workspace).await?;
        let needs_host = procfile::discover(workspace.root())?.iter().any(|procfile| {
            let is_asked_for = only.is_empty() || only.contains(&procfile.name);
            is_asked_for && places.is_local(&procfile.name)
        });
        if needs_host && host_status(workspace).await?.is_none() {
            return Ok(None);
        }
        let store = Store::open(workspace)?;
        let url = named_database()?.context("DATABASE_URL is not set: name the host's database there")?;
        Ok(Some(Self { progress, status: None, places, store, url, needs_host }))
    }

    /// Becomes the one release that goes on; a database that is away is waited for until `limit`. `None` when the host has
    /// gone meanwhile.
    pub(super) async fn lock(
        mut self,
        workspace: &Workspace,
        limit: Duration,
    ) -> anyhow::Result<Option<(Self, Ledger, Underway)>> {
        let (progress, mut is_told) = (self.progress, false);
        let told = || {
            if !std::mem::replace(&mut is_told, true) {
                progress.notice(&ledger::waits());
            }
        };
        let ledger = Ledger::open(&self.url, limit, told).await?;
        let underway = Underway::begin(workspace)?;
        self.status = match self.needs_host {
            true => idle_host(workspace, self.progress).await?,
            false => control::status(workspace).await?.filter(|status| status.is_host),
        };
        let is_there = self.status.is_some() || !self.needs_host;
        Ok(is_there.then_some((self, ledger, underway)))
    }
}

/// What a release that was cut off told the host, it still does. What runs is known when that is over.
async fn idle_host(workspace: &Workspace, progress: &dyn Progress) -> anyhow::Result<Option<DevStatus>> {
    let (mut said, deadline) = (false, Instant::now() + IDLE_LIMIT);
    loop {
        let Some(status) = host_status(workspace).await? else { return Ok(None) };
        let Some(busy_with) = &status.busy_with else { return Ok(Some(status)) };
        anyhow::ensure!(
            Instant::now() < deadline,
            "the host is still busy after {} s with this order: {busy_with}; `sides ps` shows how far it is",
            IDLE_LIMIT.as_secs()
        );
        if !std::mem::replace(&mut said, true) {
            progress.notice(&format!("waiting for the host to {busy_with}"));
        }
        time::sleep(Duration::from_millis(50)).await;
    }
}

pub(super) async fn host_status(workspace: &Workspace) -> anyhow::Result<Option<DevStatus>> {
    let Some(client) = Client::connect(&workspace.run_folder()).await? else { return Ok(None) };
    let status = client.status().await?;
    anyhow::ensure!(status.is_host, control::IS_DEV);
    Ok(Some(status))
}
