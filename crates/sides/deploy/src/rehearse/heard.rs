//! What the live database knows of instances at other places, and of the origin of their bytes.

use anyhow::Context as _;
use database::DatabaseUrl;
use schema::{instances::COMMIT_OF, releases};

use super::remote::{Found, Origin};
use crate::release::KnownBy;
use workspace::{
    actor,
    instances::{self, Instance},
};

pub(super) struct Heard {
    /// None before the first migration.
    client: Option<tokio_postgres::Client>,
    /// Instances on other machines than this one, those that started last behind.
    alive: Vec<Instance>,
}

impl Heard {
    pub(super) async fn open(url: &DatabaseUrl) -> anyhow::Result<Self> {
        let client = database::client(&url.with_application_name("sides rehearse")).await?;
        for table in [schema::instances::EXIST, releases::EXIST] {
            if !client.query_one(table, &[]).await?.get::<_, bool>(0) {
                return Ok(Self { client: None, alive: Vec::new() });
            }
        }
        let here = actor::this_machine();
        let mut alive = instances::alive(url).await?;
        alive.retain(|one| one.host != here);
        Ok(Self { client: Some(client), alive })
    }

    /// The release of a remote process.
    pub(super) fn of(&self, process: &str) -> Found {
        let newest = self.alive.iter().rfind(|one| one.process == process);
        let by = if newest.is_some() { KnownBy::Database } else { KnownBy::Nobody };
        Found { release: newest.map(|one| one.release.clone()), by }
    }

    /// Where a release comes from.
    pub(super) async fn origin(&self, process: &str, release: &str) -> anyhow::Result<Origin> {
        let commit = self.ask(COMMIT_OF, process, release).await?;
        Ok(Origin { commit, released_by: self.ask(releases::RELEASED_BY, process, release).await? })
    }

    async fn ask(&self, query: &str, process: &str, release: &str) -> anyhow::Result<Option<String>> {
        let Some(client) = &self.client else { return Ok(None) };
        let rows = client.query(query, &[&process, &release]).await;
        let rows = rows
            .with_context(|| format!("cannot read from the database where {process} {release} comes from"))?;
        Ok(rows.first().and_then(|row| row.get(0)))
    }
}
