//! What `up` would do: each pending migration's phase, and what it does to the catalogue.

use database::DatabaseUrl;
use manifest::{CATALOGUE_SQL, Catalogue, Change};
use serde::Serialize;
use tokio_postgres::Client;

use crate::{
    Applied, MigrateError, Migration,
    check::{Checked, look_at},
    class::{Class, Classifier, Facts, Phase},
    ledger, phases, plan, session,
    shadow::{Place, Scratch, facts, texts},
    sql::statements,
};

/// A pending migration, before it runs.
#[derive(Debug, Clone, Serialize)]
pub struct Planned {
    /// The folder's name.
    pub name: String,
    /// When it may run: as declared, or as its statements and the catalogue say.
    pub phase: Phase,
    /// Why a declared phase is another than its statements say.
    pub reason: Option<String>,
    /// What it does to tables and columns, tried on a scratch database; nothing when there was none.
    pub changes: Option<Vec<Change>>,
    /// Whether it can be reverted.
    pub has_down: bool,
    /// Its statements, in their order.
    pub statements: Vec<PlannedStatement>,
    /// What has to be put right before it may run.
    pub problems: Vec<String>,
    /// Why nothing was tried.
    pub note: Option<String>,
}

/// One of its statements.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedStatement {
    /// The statement, shortened.
    pub statement: String,
    /// Its class.
    #[serde(flatten)]
    pub class: Class,
}

/// The pending migrations of this database, oldest first, tried on a private scratch server, or on that of `shadow`.
/// Changes nothing and waits for no runner.
///
/// # Errors
/// When the database is unavailable, what is applied is not what is here, or a migration does not apply.
pub async fn preview(
    url: &DatabaseUrl,
    shadow: Option<&DatabaseUrl>,
    all: &[Migration],
) -> Result<Vec<Planned>, MigrateError> {
    let client = session::connect_as("migrate (plan)", url).await?;
    let applied = ledger::applied(&client).await?;
    let pending = plan::pending(all, &applied, false)?;
    look_ahead(&client, url, shadow, all, &applied, &pending).await
}

/// Whether migrations of this database can be tried, on a private scratch server or, with its user's rights, on its own.
///
/// # Errors
/// When the database is unavailable, or no scratch database can be made.
pub async fn try_scratch(url: &DatabaseUrl) -> Result<(), MigrateError> {
    let place = Place::find(url, None).await?;
    Scratch::create(&place, &[]).await?.end().await
}

/// The same for what is known to be pending.
pub(crate) async fn look_ahead(
    client: &Client,
    url: &DatabaseUrl,
    shadow: Option<&DatabaseUrl>,
    all: &[Migration],
    applied: &[Applied],
    pending: &[&Migration],
) -> Result<Vec<Planned>, MigrateError> {
    if pending.is_empty() {
        return Ok(Vec::new());
    }
    let place = Place::find(url, shadow).await?;
    let scratch = match Scratch::create(&place, &texts(all, applied)).await {
        Ok(scratch) => scratch,
        Err(MigrateError::Shadow(why)) => {
            let known = facts(client).await?;
            return Ok(pending
                .iter()
                .map(|migration| by_text(migration, &known, &why.to_string()))
                .collect());
        }
        Err(error) => return Err(error),
    };
    let tried = try_all(&scratch, &place, all, applied, pending).await;
    let ended = scratch.end().await;
    let planned = tried?;
    ended?;
    Ok(planned)
}

async fn try_all(
    scratch: &Scratch,
    place: &Place,
    all: &[Migration],
    applied: &[Applied],
    pending: &[&Migration],
) -> Result<Vec<Planned>, MigrateError> {
    scratch.replay(applied, all).await?;
    place.live_only.make(scratch).await?;
    let mut before = read(&scratch.eye).await?;
    let mut planned = Vec::new();
    for migration in pending {
        let checked = look_at(scratch, migration).await?;
        let after = read(&scratch.eye).await?;
        planned.push(seen(migration, checked, before.changes_to(&after)));
        before = after;
    }
    Ok(planned)
}

async fn read(client: &Client) -> Result<Catalogue, MigrateError> {
    let row = client.query_one(CATALOGUE_SQL, &[]).await?;
    // The query and the type are two halves of one crate, which tests them against each other.
    Ok(Catalogue::read(row.get(0)).unwrap_or_default())
}

fn seen(migration: &Migration, checked: Checked, changes: Vec<Change>) -> Planned {
    let statements = checked
        .statements
        .into_iter()
        .map(|one| PlannedStatement { statement: one.statement, class: one.class });
    Planned {
        name: checked.name,
        phase: checked.phase,
        reason: migration.metadata().reason.clone(),
        changes: Some(changes),
        has_down: migration.down().is_some(),
        statements: statements.collect(),
        problems: checked.problems,
        note: None,
    }
}

/// Without a scratch database: what the text says.
fn by_text(migration: &Migration, known: &Facts, why: &str) -> Planned {
    let mut classifier = Classifier::default();
    let found = statements(migration.up());
    let statements = found.iter().map(|statement| PlannedStatement {
        statement: statement.summary(),
        class: classifier.next(&statement.text, known),
    });
    Planned {
        name: migration.name().to_owned(),
        phase: phases::phase(migration, known),
        reason: migration.metadata().reason.clone(),
        changes: None,
        has_down: migration.down().is_some(),
        statements: statements.collect(),
        problems: Vec::new(),
        note: Some(why.to_owned()),
    }
}
