//! Applying and reverting migrations, one runner at a time.

use database::DatabaseUrl;
use tokio_postgres::Client;

use crate::{
    Applied, Event, MigrateError, Migration, Options, Refusal, backfill::backfill, class::Phase,
    ensure_roles, ledger, phases::choose, plan, preview::look_ahead, rehearse::rehearse, script::Script,
    scripts, session,
};

/// Which applied migrations to revert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revert {
    /// The newest of them.
    Newest(usize),
    /// Every one.
    All,
}

/// Applies every pending one of these migrations as usual, and returns the names of those applied.
///
/// # Errors
/// When the database is unavailable or refuses a migration.
pub async fn up(url: &DatabaseUrl, all: &[Migration]) -> Result<Vec<String>, MigrateError> {
    apply(url, all, &Options::default(), &mut |_| {}).await
}

/// Applies every pending one of these migrations, oldest first, and returns the names of those applied.
///
/// # Errors
/// When the database is unavailable, refuses a migration, or has something else than what is here. What was applied
/// before stays.
pub async fn apply(
    url: &DatabaseUrl,
    all: &[Migration],
    options: &Options,
    tell: &mut (dyn FnMut(Event) + Send),
) -> Result<Vec<String>, MigrateError> {
    if options.phase == Some(Phase::Backfill) {
        return backfill(url, all, &[], options, tell).await;
    }
    let client = session::open(url, options, tell).await?;
    ledger::ensure(&client).await?;
    let applied = ledger::applied(&client).await?;
    let pending = plan::pending(all, &applied, options.out_of_order)?;
    adopt(&client, all, &applied).await?;
    let pending = wanted(&client, url, all, &applied, pending, options, tell).await?;
    let scripts = pending.into_iter().map(Script::up).collect::<Result<Vec<_>, _>>()?;
    let mut names = Vec::new();
    let done = scripts::run(&client, url, &scripts, options, &mut names, tell).await;
    finish(&client, done).await?;
    Ok(names)
}

/// Those that the options ask for and that may run without the others.
async fn wanted<'a>(
    client: &Client,
    url: &DatabaseUrl,
    all: &[Migration],
    applied: &[Applied],
    pending: Vec<&'a Migration>,
    options: &Options,
    tell: &mut (dyn FnMut(Event) + Send),
) -> Result<Vec<&'a Migration>, MigrateError> {
    if options.phase.is_none() && options.only.is_empty() {
        return Ok(pending);
    }
    if let Some(name) = options.only.iter().find(|name| all.iter().all(|one| one.name() != *name)) {
        return Err(Refusal::NotThere { name: name.clone() }.into());
    }
    let planned = look_ahead(client, url, None, all, applied, &pending).await?;
    let found = pending.into_iter().zip(planned.iter().map(|one| one.phase)).collect();
    let (now, blocked) = choose(all, found, |migration, phase| match options.phase {
        Some(wanted) => phase == wanted,
        None => options.only.iter().any(|name| name == migration.name()),
    });
    blocked.iter().for_each(|one| tell(Event::Waits { migration: one.name().to_owned() }));
    if let Some(unexplained) = planned
        .iter()
        .find(|one| !one.problems.is_empty() && now.iter().any(|migration| migration.name() == one.name))
    {
        let problem = unexplained.problems.join("; ");
        return Err(Refusal::Unexplained { name: unexplained.name.clone(), problem }.into());
    }
    Ok(now)
}

/// Reverts applied migrations, newest first, and returns their names.
///
/// # Errors
/// When the database is unavailable or refuses a step. When one of them has no way back, or does not restore what its
/// migration found, nothing is reverted.
pub async fn revert(
    url: &DatabaseUrl,
    all: &[Migration],
    which: Revert,
    options: &Options,
    tell: &mut (dyn FnMut(Event) + Send),
) -> Result<Vec<String>, MigrateError> {
    let client = session::open(url, options, tell).await?;
    ledger::ensure(&client).await?;
    let applied = ledger::applied(&client).await?;
    adopt(&client, all, &applied).await?;
    let count = match which {
        Revert::Newest(count) => count,
        Revert::All => applied.len(),
    };
    let mut scripts = Vec::new();
    for one in applied.iter().rev().take(count) {
        let known = all.iter().find(|migration| migration.version() == one.version);
        let migration = known.ok_or_else(|| MigrateError::NotKnown { version: one.version.clone() })?;
        scripts.push(Script::down(migration)?);
    }
    if options.rehearse
        && !scripts.is_empty()
        && let Some(why) = rehearse(url, all, &applied, &scripts).await?
    {
        tell(Event::Unrehearsed { why });
    }
    let mut names = Vec::new();
    let done = scripts::run(&client, url, &scripts, options, &mut names, tell).await;
    finish(&client, done).await?;
    Ok(names)
}

/// What an earlier migration made must be within the roles' reach even when a later one failed.
async fn finish(client: &Client, done: Result<(), MigrateError>) -> Result<(), MigrateError> {
    let roles = async {
        session::settle(client).await?;
        ensure_roles(client).await
    };
    let roles = roles.await;
    // The first error is the one that matters; the second may only say that the connection is gone.
    done?;
    Ok(roles?)
}

/// Takes over migrations that diesel itself applied.
async fn adopt(client: &Client, all: &[Migration], applied: &[Applied]) -> Result<(), MigrateError> {
    for one in applied.iter().filter(|one| one.up_sql.is_none()) {
        if let Some(migration) = all.iter().find(|migration| migration.version() == one.version) {
            ledger::adopt(client, migration).await?;
        }
    }
    Ok(())
}
