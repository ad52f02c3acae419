//! The runner's session: the lock that makes it the only one, and its settings.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use database::{DatabaseUrl, Pooler};
use schema::locks;
use tokio_postgres::{Client, Error};

use crate::{Event, MigrateError, Options};

const POLL: Duration = Duration::from_millis(100);

/// Connects and becomes the only runner of this database.
pub(crate) async fn open(
    url: &DatabaseUrl,
    options: &Options,
    tell: &mut (dyn FnMut(Event) + Send),
) -> Result<Client, MigrateError> {
    let client = connect(url).await?;
    lock(&client, locks::MIGRATION_RUNNER, options.wait, tell).await?;
    settle(&client).await?;
    Ok(client)
}

/// Connects, with a runner's settings and without its lock.
pub(crate) async fn connect(url: &DatabaseUrl) -> Result<Client, MigrateError> {
    connect_as("migrate", url).await
}

/// The same under another name in `pg_stat_activity`.
pub(crate) async fn connect_as(name: &str, url: &DatabaseUrl) -> Result<Client, MigrateError> {
    is_direct(url).await?;
    let client = database::unlimited_client(&url.with_application_name(name)).await?;
    settle(&client).await?;
    Ok(client)
}

/// Refuses a pooler that shares sessions: locks would be lost there, and settings reach the sessions of others. A server
/// that is away is told of by whoever connects next.
pub(crate) async fn is_direct(url: &DatabaseUrl) -> Result<(), MigrateError> {
    static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let address = url.to_string();
    if known().contains(&address) {
        return Ok(());
    }
    match database::pooler(url).await {
        Ok(Pooler::None) => drop(known().insert(address)),
        Ok(_) => return Err(MigrateError::Pooled),
        Err(_) => {}
    }
    Ok(())
}

/// Takes an advisory lock until the session ends.
pub(crate) async fn lock(
    client: &Client,
    key: i64,
    wait: bool,
    tell: &mut (dyn FnMut(Event) + Send),
) -> Result<(), MigrateError> {
    let mut told = false;
    // Polled: a session that waits inside a statement holds a snapshot, which a concurrent index build of the
    // working runner would wait for, for ever.
    while !try_lock(client, key).await? {
        let holder = holder(client, key).await?;
        if !wait {
            return Err(MigrateError::Busy { holder });
        }
        if !told {
            tell(Event::Waiting { holder });
            told = true;
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// Lets go of it.
pub(crate) async fn unlock(client: &Client, version: &str) -> Result<(), Error> {
    let unlock = format!("SELECT pg_advisory_unlock({})", locks::key_of("$1"));
    client.execute(&unlock, &[&locks::backfill(version)]).await.map(drop)
}

async fn try_lock(client: &Client, key: i64) -> Result<bool, Error> {
    Ok(client.query_one("SELECT pg_try_advisory_lock($1)", &[&key]).await?.get(0))
}

async fn holder(client: &Client, key: i64) -> Result<String, Error> {
    let row = client
        .query_opt(
            &format!(
                "SELECT format('pid %s, user %s, from %s, since %s', a.pid, a.usename,
                           coalesce(a.client_addr::text, 'this machine'), to_char(a.backend_start, 'HH24:MI:SS TZ'))
                 FROM (SELECT pid FROM pg_locks WHERE {}) AS l JOIN pg_stat_activity AS a USING (pid)",
                locks::HELD
            ),
            &[&key],
        )
        .await?;
    Ok(row.map_or_else(|| "it has just ended".to_owned(), |row| row.get(0)))
}

/// Who every migration starts as, and its settings, whatever the last one left behind or the defaults of the user and the
/// database say. What is left to those a scratch database gets as well: see [`crate::shadow::Defaults`].
pub(crate) async fn settle(client: &Client) -> Result<(), Error> {
    settle_and(client, "").await
}

/// The same with more of them, in one round trip.
pub(crate) async fn settle_and(client: &Client, more: &str) -> Result<(), Error> {
    // Unqualified names mean public, also for a user who is called like a schema; a temporary table would come first.
    // Texts mean what they mean by Postgres' own defaults; that is how they are split.
    const SETTLE: &str = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; CLOSE ALL; DISCARD TEMP;
             SET search_path = public; SET statement_timeout = 0; SET lock_timeout = 0;
             SET idle_in_transaction_session_timeout = 0; SET idle_session_timeout = 0;
             SET standard_conforming_strings = on; SET backslash_quote = safe_encoding; SET array_nulls = on;
             SET transform_null_equals = off; SET quote_all_identifiers = off; SET xmloption = content;
             SET default_transaction_isolation = 'read committed'; SET default_transaction_deferrable = off;
             SET check_function_bodies = on; SET row_security = on;";
    client.batch_execute(&[SETTLE, database::NO_TRANSACTION_TIMEOUT, more].concat()).await
}

/// This session's process id at the server.
pub(crate) async fn pid(client: &Client) -> Result<i32, Error> {
    Ok(client.query_one("SELECT pg_backend_pid()", &[]).await?.get(0))
}
