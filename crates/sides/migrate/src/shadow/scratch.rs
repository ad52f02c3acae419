//! The scratch database itself: made for one look, dropped behind it.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use database::DatabaseUrl;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, Error, Statement};

use super::{
    facts::{self, FACTS_SQL},
    observe::{self, FILES_SQL, Files},
};
use crate::{Applied, MigrateError, Migration, Said, Site, class::Facts, script::Script, session};

const PREFIX: &str = "sides_shadow_";
/// No check takes as long; what is older was left behind by one that was killed.
const STALE: Duration = Duration::from_secs(3600);

/// Why nothing could be tried.
#[derive(Debug, thiserror::Error)]
pub enum ShadowError {
    /// No scratch database.
    #[error(
        "no scratch database can be made to try the migrations on: {0}\n\
         give the user the right (ALTER ROLE … CREATEDB), or name another server with --shadow URL"
    )]
    Make(Said),
    /// A migration does not even apply to an empty database.
    #[error("{site}: {said}\nit does not apply to a fresh database; correct it, and check again")]
    Apply {
        /// Which statement.
        site: Box<Site>,
        /// What Postgres said.
        said: Said,
    },
}

/// A database of its own on the server of an address.
pub struct Scratch {
    /// A session in it.
    pub client: Client,
    admin: Client,
    url: DatabaseUrl,
    name: String,
    /// Asked for nearly every statement, and dear to plan.
    facts: OnceCell<Statement>,
    files: OnceCell<Statement>,
    /// Postgres' own functions that give another answer for each row.
    volatile: OnceCell<BTreeSet<String>>,
}

impl Scratch {
    /// Makes an empty one. Those that a killed check left behind are dropped.
    ///
    /// # Errors
    /// When the server is away or the user may not make databases.
    pub async fn create(url: &DatabaseUrl) -> Result<Self, MigrateError> {
        let admin = database::client(&url.with_application_name("migrate (shadow)")).await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        sweep(&admin, now.saturating_sub(STALE)).await?;
        Self::make(admin, url, "template0").await
    }

    /// Makes another one with everything that this one holds, down to the numbers of its tables. This one's session
    /// ends.
    pub(crate) async fn copy(&self) -> Result<Self, MigrateError> {
        let admin = database::client(&self.url.with_application_name("migrate (shadow)")).await?;
        let ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        admin.execute(ends, &[&self.name]).await?;
        Self::make(admin, &self.url, &self.name).await
    }

    async fn make(admin: Client, url: &DatabaseUrl, template: &str) -> Result<Self, MigrateError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("{PREFIX}{}_{}_{}", now.as_secs(), std::process::id(), now.subsec_nanos());
        admin
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .await
            .map_err(|error| ShadowError::Make(error.into()))?;
        let client = database::client(&url.with_database(&name)).await?;
        session::settle(&client).await?;
        // Nothing in it is worth a wait for the disk.
        client.batch_execute("SET synchronous_commit = off").await?;
        Ok(Self {
            client,
            admin,
            url: url.clone(),
            name,
            facts: OnceCell::new(),
            files: OnceCell::new(),
            volatile: OnceCell::new(),
        })
    }

    /// What of the catalogue decides the class of a statement with these names; without them, of any.
    pub(crate) async fn facts(&self, names: Option<&BTreeSet<String>>) -> Result<Facts, Error> {
        let question = self.facts.get_or_try_init(|| self.client.prepare(FACTS_SQL)).await?;
        let mut found = facts::read(&self.client, question, names).await?;
        if names.is_some() {
            let own = self.volatile.get_or_try_init(|| self.own_volatile()).await?;
            found.volatile.extend(own.iter().cloned());
        }
        Ok(found)
    }

    async fn own_volatile(&self) -> Result<BTreeSet<String>, Error> {
        let question = "SELECT DISTINCT proname FROM pg_proc WHERE provolatile = 'v' AND oid < 16384";
        Ok(self.client.query(question, &[]).await?.iter().map(|row| row.get(0)).collect())
    }

    /// Which file each table and index has.
    pub(crate) async fn files(&self) -> Result<Files, Error> {
        let question = self.files.get_or_try_init(|| self.client.prepare(FILES_SQL)).await?;
        observe::read(&self.client, question).await
    }

    /// Applies a migration as it is written.
    ///
    /// # Errors
    /// When Postgres refuses a statement.
    pub async fn apply(&self, migration: &Migration) -> Result<(), MigrateError> {
        let script = Script::up(migration)?;
        if script.statements.iter().all(|one| one.concurrent.is_none())
            && self.client.batch_execute(migration.up()).await.is_ok()
        {
            return Ok(());
        }
        // One by one: some refuse a transaction, and a failure has its line.
        for (index, statement) in script.statements.iter().enumerate() {
            self.client.batch_execute(&statement.text).await.map_err(|error| ShadowError::Apply {
                site: Box::new(script.site(index)),
                said: error.into(),
            })?;
        }
        Ok(())
    }

    /// Applies what a database has, as it was applied there and not as the files say now.
    ///
    /// # Errors
    /// When Postgres refuses a statement, or the text of a migration is known neither there nor here.
    pub async fn replay(&self, applied: &[Applied], all: &[Migration]) -> Result<(), MigrateError> {
        for one in applied {
            let known = all.iter().find(|migration| migration.version() == one.version);
            let migration = match (&one.up_sql, known) {
                (Some(up), _) => {
                    Migration::new(one.name.clone().unwrap_or_else(|| one.version.clone()), up.clone(), "")
                }
                (None, Some(known)) => known.clone(),
                (None, None) => return Err(MigrateError::NotKnown { version: one.version.clone() }),
            };
            self.apply(&migration).await?;
        }
        Ok(())
    }

    /// Drops it.
    ///
    /// # Errors
    /// When the server is away; the next check then drops it.
    pub async fn end(self) -> Result<(), MigrateError> {
        drop(self.client);
        Ok(self.admin.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).await?)
    }
}

async fn sweep(admin: &Client, before: Duration) -> Result<(), MigrateError> {
    let left = admin
        .query(
            "SELECT d.datname FROM pg_database AS d
             WHERE d.datname LIKE 'sides\\_shadow\\_%' AND pg_has_role(d.datdba, 'USAGE')
               AND split_part(d.datname, '_', 3)::bigint < $1
               AND NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.datname = d.datname)",
            &[&i64::try_from(before.as_secs()).unwrap_or(i64::MAX)],
        )
        .await?;
    for row in left {
        let name: String = row.get(0);
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")).await?;
    }
    Ok(())
}
