//! The look itself.

use database::DatabaseUrl;
use serde::Serialize;

use super::opaque::is_opaque;
use crate::{
    MigrateError, Migration,
    apart::names,
    backfill::{Batched, walk},
    class::{Class, Classifier, Facts, Phase, Reason, Work},
    recipe::{Instead, instead},
    script::Script,
    shadow::{Scratch, ShadowError, catalogue},
    sql::Statement,
};

/// What was found in one migration.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// The folder's name.
    pub name: String,
    /// When it may run: as declared, or as its statements and the catalogue say.
    pub phase: Phase,
    /// Its statements, in their order.
    pub statements: Vec<Finding>,
    /// What is wrong with the migration as a whole.
    pub problems: Vec<String>,
}

/// One statement and what is thought of it.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The line in `up.sql`, from 1.
    pub line: usize,
    /// The statement, shortened.
    pub statement: String,
    /// Its class.
    #[serde(flatten)]
    pub class: Class,
    /// Why it may run although it is refused, as `metadata.toml` says.
    pub accepted: Option<String>,
    /// What to write instead.
    #[serde(skip)]
    pub instead: Option<Instead>,
}

impl Finding {
    /// Whether it must not run as it is.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.class.refused.is_some() && self.accepted.is_none()
    }
}

impl Checked {
    /// Whether something must be changed before it may run.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        !self.problems.is_empty() || self.statements.iter().any(Finding::is_refused)
    }
}

/// Tries all migrations on a scratch database of this server, and looks closely at those that `wanted` names.
///
/// # Errors
/// When no scratch database can be made, or a migration does not apply to it.
pub async fn check(
    server: &DatabaseUrl,
    all: &[Migration],
    wanted: impl Fn(&Migration) -> bool,
) -> Result<Vec<Checked>, MigrateError> {
    let scratch = Scratch::create(server).await?;
    let found = look_at_all(&scratch, all, wanted).await;
    let ended = scratch.end().await;
    let found = found?;
    ended?;
    Ok(found)
}

async fn look_at_all(
    scratch: &Scratch,
    all: &[Migration],
    wanted: impl Fn(&Migration) -> bool,
) -> Result<Vec<Checked>, MigrateError> {
    let mut found = Vec::new();
    for migration in all {
        if wanted(migration) {
            found.push(look_at(scratch, migration).await?);
        } else {
            scratch.apply(migration).await?;
        }
    }
    Ok(found)
}

pub(crate) async fn look_at(scratch: &Scratch, migration: &Migration) -> Result<Checked, MigrateError> {
    let script = Script::up(migration)?;
    let opaque = script.statements.iter().any(|statement| is_opaque(&statement.text));
    let before = if opaque { Some(catalogue(&scratch.client).await?) } else { None };
    let mut classifier = Classifier::default();
    let mut statements = Vec::new();
    let mut uncut = Vec::new();
    for (index, statement) in script.statements.iter().enumerate() {
        if let Some(batched) = Batched::of(&statement.text).filter(|_| script.is_backfill) {
            let why = walk(&scratch.client, &batched).await?.err();
            uncut.extend(why.map(|why| format!("up.sql line {}: {why}", statement.line)));
        }
        let tried = look_at_one(scratch, &mut classifier, statement, migration).await;
        statements.push(tried.map_err(|error| match error {
            MigrateError::Runner(said) => {
                ShadowError::Apply { site: Box::new(script.site(index)), said }.into()
            }
            other => other,
        })?);
    }
    let mut phase = statements.iter().map(|one| one.class.phase).max().unwrap_or(Phase::Expand);
    if let Some(before) = before
        && before.is_narrowed_by(&catalogue(&scratch.client).await?)
    {
        phase = Phase::Contract;
    }
    let (phase, mut problems) = judge(migration, phase, &statements);
    problems.extend(uncut);
    Ok(Checked { name: migration.name().to_owned(), phase, statements, problems })
}

async fn look_at_one(
    scratch: &Scratch,
    classifier: &mut Classifier,
    statement: &Statement,
    migration: &Migration,
) -> Result<Finding, MigrateError> {
    let text = &statement.text;
    // What is harmless in the worst case needs no look at the catalogue.
    let worst = classifier.look(text, &Facts::default());
    let harmless = worst.refused.is_none() && worst.phase == Phase::Expand;
    let known = if harmless { Facts::default() } else { scratch.facts(names(text).as_ref()).await? };
    let mut class = classifier.next(text, &known);
    let alters = !class.locks.is_empty() && text.to_uppercase().starts_with("ALTER TABLE");
    let before = if alters { Some(scratch.files().await?) } else { None };
    scratch.client.batch_execute(text).await?;
    if let Some(before) = before {
        let now = scratch.files().await?;
        class = seen(class, before.rewritten(&now), before.indexed(&now));
    }
    let is_batched = migration.metadata().phase == Some(Phase::Backfill);
    if is_batched && class.refused == Some(Reason::Unbatched) {
        class.refused = None;
    }
    let instead = class.refused.map(|_| instead(text, &known));
    Ok(Finding {
        line: statement.line,
        statement: statement.summary(),
        accepted: class.refused.and_then(|_| migration.metadata().accept.clone()),
        class,
        instead,
    })
}

/// Postgres' own answer counts more than what was thought from the text.
fn seen(mut class: Class, rewritten: bool, indexed: bool) -> Class {
    if rewritten {
        class.work = Work::Rewrite;
        class.refused = class.refused.or(Some(Reason::Rewrite));
    } else if class.work == Work::Rewrite && !indexed {
        class.work = Work::Nothing;
        class.refused = class.refused.filter(|reason| *reason != Reason::Rewrite);
    }
    class
}

/// What a person declared beside what was found.
fn judge(migration: &Migration, inferred: Phase, statements: &[Finding]) -> (Phase, Vec<String>) {
    let metadata = migration.metadata();
    let mut problems = Vec::new();
    if let Some(declared) = metadata.phase
        && declared != inferred
        && metadata.reason.is_none()
    {
        problems.push(format!(
            "metadata.toml says phase = \"{declared}\" and its statements say {inferred}; add reason = \"…\", or remove the phase"
        ));
    }
    if metadata.accept.is_some() && statements.iter().all(|one| one.class.refused.is_none()) {
        problems.push("metadata.toml accepts what is not refused; remove accept".to_owned());
    }
    (metadata.phase.unwrap_or(inferred), problems)
}
