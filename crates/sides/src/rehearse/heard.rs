//! What the live database says of copies at other places, and of where their bytes come from.

use anyhow::Context as _;
use database::DatabaseUrl;

use super::there::{Found, Origin};
use crate::release::KnownBy;

const IS_MIGRATED: &str =
    "SELECT to_regclass('sides.instances') IS NOT NULL AND to_regclass('sides.releases') IS NOT NULL";

/// The copy that started last on another machine than this one.
const RUNS: &str = "\
SELECT release FROM sides.instances
WHERE process = $1 AND host <> $2 AND state <> 'stopped' AND heartbeat_at > now() - interval '15 seconds'
ORDER BY started_at DESC LIMIT 1";

const COMMIT: &str = "\
SELECT to_jsonb(instances) -> 'manifest' ->> 'commit' FROM sides.instances
WHERE process = $1 AND $2 LIKE release || '%' AND to_jsonb(instances) -> 'manifest' ->> 'commit' IS NOT NULL
ORDER BY heartbeat_at DESC LIMIT 1";

const RELEASED_BY: &str = "\
SELECT asked_by FROM sides.releases
WHERE receipt #>> ARRAY['processes', $1, 'to'] LIKE $2 || '%' ORDER BY id DESC LIMIT 1";

pub(super) struct Heard {
    /// None before the first migration.
    client: Option<tokio_postgres::Client>,
    /// This machine.
    here: String,
}

impl Heard {
    pub(super) async fn open(url: &DatabaseUrl) -> anyhow::Result<Self> {
        let client = database::client(&url.with_application_name("sides rehearse")).await?;
        let is_migrated: bool = client.query_one(IS_MIGRATED, &[]).await?.get(0);
        let here = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned());
        Ok(Self { client: is_migrated.then_some(client), here: here.unwrap_or_default() })
    }

    /// The release of a process that runs elsewhere.
    pub(super) async fn of(&self, process: &str) -> anyhow::Result<Found> {
        let release = self.ask(RUNS, process, &self.here).await?;
        let by = if release.is_some() { KnownBy::Database } else { KnownBy::Nobody };
        Ok(Found { release, by })
    }

    /// Where a release comes from.
    pub(super) async fn origin(&self, process: &str, release: &str) -> anyhow::Result<Origin> {
        let commit = self.ask(COMMIT, process, release).await?;
        Ok(Origin { commit, released_by: self.ask(RELEASED_BY, process, release).await? })
    }

    async fn ask(&self, query: &str, process: &str, other: &str) -> anyhow::Result<Option<String>> {
        let Some(client) = &self.client else { return Ok(None) };
        let rows = client.query(query, &[&process, &other]).await;
        let rows = rows.with_context(|| format!("what runs of {process} cannot be asked of the database"))?;
        Ok(rows.first().and_then(|row| row.get(0)))
    }
}
