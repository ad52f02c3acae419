//! A scratch database: created for one check and dropped after it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use database::DatabaseUrl;
use tokio::sync::{Mutex, OnceCell};
use tokio_postgres::{Client, Error, Row, Statement, error::SqlState, types::ToSql};

use super::{
    Defaults, Place, ShadowError,
    facts::{self, FACTS_SQL},
    reach::{Reach, reach},
    roles::{self, quoted},
};
use crate::{
    Applied, MigrateError, Migration,
    class::Facts,
    session,
    sql::{Kind, tokens},
};

const PREFIX: &str = "sides_shadow_";
/// No check takes as long; what is older was left behind by one that was killed.
const STALE: Duration = Duration::from_secs(3600);

/// A database of its own.
pub struct Scratch {
    /// A session in it, as whom migrations run.
    pub client: Client,
    /// Another, that sees what is committed, and with a superuser's rights on a private server.
    pub(crate) eye: Client,
    /// A third, as that one, that only asks: what the eye does to its session throws its plans away.
    asker: Client,
    admin: Client,
    admin_url: DatabaseUrl,
    user_url: DatabaseUrl,
    /// Set on a private server.
    owner: Option<String>,
    defaults: Defaults,
    name: String,
    /// What was there before the migrations ran.
    known_roles: BTreeSet<String>,
    /// Whether something was left out, because an extension is not there.
    lacking: AtomicBool,
    /// Asked for nearly every statement, and dear to plan.
    facts: OnceCell<Statement>,
    /// Questions that are asked for every migration: planning them is what takes long.
    questions: Mutex<HashMap<&'static str, Statement>>,
    /// Postgres' own functions that give another answer for each row.
    volatile: OnceCell<BTreeSet<String>>,
}

impl Scratch {
    /// Makes an empty one for migrations with these texts. Those that a killed check left behind are dropped.
    ///
    /// # Errors
    /// When the server is away or the user may not make databases.
    pub async fn create(place: &Place, texts: &[&str]) -> Result<Self, MigrateError> {
        let admin =
            database::unlimited_client(&place.admin.with_application_name("migrate (shadow)")).await?;
        match &place.owner {
            Some(user) => {
                for statement in roles::statements(&place.roles, user, texts) {
                    let made = admin.batch_execute(&statement).await;
                    let is_there = |error: &Error| error.code() == Some(&SqlState::DUPLICATE_OBJECT);
                    made.or_else(|error| if is_there(&error) { Ok(()) } else { Err(error) })
                        .map_err(|error| ShadowError::Make(error.into()))?;
                }
            }
            None => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                sweep(&admin, now.saturating_sub(STALE)).await?;
            }
        }
        let owner = place.owner.as_deref();
        Self::make(admin, &place.admin, &place.user, owner, &place.defaults, "template0").await
    }

    /// Makes another one with everything that this one holds, down to the numbers of its tables. This one's sessions
    /// end.
    pub(crate) async fn copy(&self) -> Result<Self, MigrateError> {
        let admin =
            database::unlimited_client(&self.admin_url.with_application_name("migrate (shadow)")).await?;
        let ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        admin.execute(ends, &[&self.name]).await?;
        let owner = self.owner.as_deref();
        Self::make(admin, &self.admin_url, &self.user_url, owner, &self.defaults, &self.name).await
    }

    async fn make(
        admin: Client,
        admin_url: &DatabaseUrl,
        user_url: &DatabaseUrl,
        owner: Option<&str>,
        defaults: &Defaults,
        template: &str,
    ) -> Result<Self, MigrateError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("{PREFIX}{}_{}_{}", now.as_secs(), std::process::id(), now.subsec_nanos());
        // Who acts as another from the start makes everything as that one.
        let acts_as = owner.map(|owner| defaults.role().unwrap_or(owner));
        let owned = acts_as.map(|owner| format!("OWNER {}", quoted(owner))).unwrap_or_default();
        admin
            .batch_execute(&format!("CREATE DATABASE {name} {owned} TEMPLATE {template}"))
            .await
            .map_err(|error| ShadowError::Make(error.into()))?;
        // What is asked for each migration is planned once; with its values it would be planned each time.
        admin
            .batch_execute(&format!("ALTER DATABASE {name} SET plan_cache_mode = force_generic_plan"))
            .await?;
        defaults.give(&admin, &name, owner).await;
        let client = database::unlimited_client(&user_url.with_database(&name)).await?;
        let eye = database::unlimited_client(&admin_url.with_database(&name)).await?;
        session::settle(&eye).await?;
        let asker = database::unlimited_client(&admin_url.with_database(&name)).await?;
        session::settle(&asker).await?;
        let known_roles = own_roles(&admin).await?;
        let scratch = Self {
            client,
            eye,
            asker,
            admin,
            admin_url: admin_url.clone(),
            user_url: user_url.clone(),
            owner: owner.map(str::to_owned),
            defaults: defaults.clone(),
            name,
            known_roles,
            lacking: AtomicBool::new(false),
            facts: OnceCell::new(),
            questions: Mutex::default(),
            volatile: OnceCell::new(),
        };
        scratch.settle().await?;
        Ok(scratch)
    }

    /// Whether nobody else uses the server.
    pub(crate) fn is_private(&self) -> bool {
        self.owner.is_some()
    }

    /// The settings that every migration starts with, whoever and whatever the last one became.
    pub(crate) async fn settle(&self) -> Result<(), Error> {
        // Nothing in it is worth a wait for the disk.
        session::settle_and(&self.client, "; SET synchronous_commit = off").await
    }

    /// Whether a statement reaches further than it may here, and so is not run at all.
    pub(crate) fn skips(&self, text: &str) -> bool {
        match reach(text) {
            Reach::Database => false,
            Reach::Server => !self.is_private(),
            Reach::Elsewhere => true,
        }
    }

    /// Whether something was left out, because an extension is not there.
    pub(crate) fn is_lacking(&self) -> bool {
        self.lacking.load(Relaxed)
    }

    /// Whether the statement makes an extension that the server does not have.
    pub(crate) async fn lacks(&self, text: &str) -> Result<bool, Error> {
        let Some(name) = extension(text) else { return Ok(false) };
        let question = "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = $1)";
        let is_missing = self.eye.query_one(question, &[&name]).await?.get(0);
        if is_missing {
            self.lacking.store(true, Relaxed);
        }
        Ok(is_missing)
    }

    /// Asks of what is committed; the question is planned once.
    pub(crate) async fn ask(
        &self,
        question: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let mut questions = self.questions.lock().await;
        let prepared = match questions.get(question) {
            Some(prepared) => prepared.clone(),
            None => self.asker.prepare(question).await?,
        };
        questions.insert(question, prepared.clone());
        self.asker.query(&prepared, parameters).await
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
        Ok(self.eye.query(question, &[]).await?.iter().map(|row| row.get(0)).collect())
    }

    /// Drops it.
    ///
    /// # Errors
    /// When the server is away; the next check then drops it.
    pub async fn end(self) -> Result<(), MigrateError> {
        let is_private = self.is_private();
        drop((self.client, self.eye, self.asker));
        self.admin.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).await?;
        if is_private {
            // Another scratch database of this server may be for migrations that make the same.
            let made = own_roles(&self.admin).await?;
            for role in made.difference(&self.known_roles).map(|role| quoted(role)) {
                self.admin
                    .batch_execute(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"))
                    .await
                    .ok();
            }
        }
        Ok(())
    }
}

/// The name of the extension that a statement makes.
fn extension(text: &str) -> Option<String> {
    let found = tokens(text);
    let is = |place: usize, word: &str| found.get(place).is_some_and(|token| token.is(word));
    let place = if is(2, "if") && is(3, "not") && is(4, "exists") { 5 } else { 2 };
    let name = found.get(place).filter(|_| is(0, "create") && is(1, "extension"))?;
    Some(match name.kind {
        Kind::Name => name.text.trim_matches('"').replace("\"\"", "\""),
        _ => name.text.to_lowercase(),
    })
}

async fn own_roles(admin: &Client) -> Result<BTreeSet<String>, Error> {
    let rows = admin.query("SELECT rolname::text FROM pg_roles WHERE oid >= 16384", &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The texts that a lane runs: as they were applied, and as they are.
pub(crate) fn texts<'a>(all: &'a [Migration], applied: &'a [Applied]) -> Vec<&'a str> {
    let of_applied = applied.iter().filter_map(|one| one.up_sql.as_deref());
    all.iter().flat_map(|one| [one.up(), one.down().unwrap_or_default()]).chain(of_applied).collect()
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
