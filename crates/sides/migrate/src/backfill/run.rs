//! Runs backfills as a phase of their own: alongside the running code and other schema changes.

use std::time::Duration;

use database::DatabaseUrl;
use schema::locks;
use tokio_postgres::Client;

use crate::{
    Event, MigrateError, Migration, Options, class::Phase, ledger, phases, plan, preview::look_ahead,
    script::Script, scripts, session,
};

/// How often a runner that lost its server looks for it again, and the pause between.
const RETURNS: u32 = 600;
const PAUSE: Duration = Duration::from_secs(1);

/// Runs the pending backfills (those of these names, or all) and returns the names of those that were completed.
///
/// Holds no lock but one per migration, so that `up --phase expand` of a later release goes on meanwhile. A server
/// that goes away is waited for, ten minutes at most.
///
/// # Errors
/// When the database stays away, refuses a statement, or another runner is at work on the same and waiting is not
/// wanted. What was done stays, and the next run goes on from there.
pub async fn backfill(
    url: &DatabaseUrl,
    all: &[Migration],
    names: &[String],
    options: &Options,
    tell: &mut (dyn FnMut(Event) + Send),
) -> Result<Vec<String>, MigrateError> {
    let options = Options { wait_while_paused: true, ..options.clone() };
    let (mut completed, mut returns) = (Vec::new(), 0);
    loop {
        let before = completed.len();
        match once(url, all, names, &options, &mut completed, tell).await {
            Err(error) if error.is_connection_lost() && returns < RETURNS => {
                returns = if completed.len() > before { 0 } else { returns + 1 };
                tell(Event::Reconnects { why: error.to_string() });
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
            Ok(()) => return Ok(completed),
        }
    }
}

async fn once(
    url: &DatabaseUrl,
    all: &[Migration],
    names: &[String],
    options: &Options,
    completed: &mut Vec<String>,
    tell: &mut (dyn FnMut(Event) + Send),
) -> Result<(), MigrateError> {
    let client = session::connect(url).await?;
    if !ledger::exists(&client).await? {
        // Made under the runner's lock.
        let first = session::open(url, options, tell).await?;
        ledger::ensure(&first).await?;
    }
    let applied = ledger::applied(&client).await?;
    let pending = plan::pending(all, &applied, options.out_of_order)?;
    let planned = look_ahead(&client, url, None, all, &applied, &pending).await?;
    let found = pending.into_iter().zip(planned.iter().map(|one| one.phase)).collect();
    let (now, blocked) = phases::choose(all, found, |migration, phase| {
        phase == Phase::Backfill && (names.is_empty() || names.iter().any(|name| name == migration.name()))
    });
    blocked.iter().for_each(|one| tell(Event::Waits { migration: one.name().to_owned() }));
    let scripts = now.into_iter().map(Script::up).collect::<Result<Vec<_>, _>>()?;
    scripts::run(&client, url, &scripts, options, completed, tell).await
}

/// Becomes the only one at work on this migration, until the session ends or lets go.
///
/// # Errors
/// When the database is unavailable, or another is at work on it and waiting is not wanted.
pub async fn lock(
    client: &Client,
    version: &str,
    wait: bool,
    tell: &mut (dyn FnMut(Event) + Send),
) -> Result<(), MigrateError> {
    let key = format!("SELECT {}", locks::key_of("$1"));
    let key: i64 = client.query_one(&key, &[&locks::backfill(version)]).await?.get(0);
    session::lock(client, key, wait, tell).await
}
