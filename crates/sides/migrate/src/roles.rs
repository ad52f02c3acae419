//! Database roles that limit a process to what it needs.

use std::time::Duration;

use tokio_postgres::{Client, Error, error::SqlState};

const TRIES: u32 = 20;

/// The role of whoever fires schedules: the migrations make it, since it needs nothing of the application. Databases have it
/// by this name, and a process that is called otherwise may ask for it.
pub(crate) const SCHEDULER: &str = "sides_clock";

/// Makes the role of whoever fires schedules, which has rights in schema `sides` and none in `public`.
///
/// Roles belong to the whole server, so databases of one server share it; its rights are per database.
/// Without the right to make roles nothing happens: that process then acts with the user's own rights and says
/// so in its log.
///
/// When everything was reverted it gives back what it took from others. Needs the runner's own tables.
///
/// # Errors
/// When the database is unavailable.
pub async fn ensure_roles(client: &Client) -> Result<(), Error> {
    let is_there = "SELECT to_regnamespace('sides') IS NOT NULL";
    if client.query_one(is_there, &[]).await?.get(0) {
        make(client, SCHEDULER).await?;
    }
    unless_lost(client, &include_str!("roles.sql").replace("{role}", SCHEDULER)).await
}

/// Makes a role that the user of this session may act as, where it is missing. False when the user may not.
///
/// # Errors
/// When the database is unavailable.
pub(crate) async fn make(client: &Client, role: &str) -> Result<bool, Error> {
    let row = client
        .query_one(
            "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1),
                    (SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user)",
            &[&role],
        )
        .await?;
    let (exists, may_make): (bool, bool) = (row.get(0), row.get(1));
    if !exists && !may_make {
        return Ok(false);
    }
    unless_lost(client, &include_str!("role.sql").replace("{role}", role)).await?;
    Ok(true)
}

/// Runs a script again while others of the same server do the same at the same moment.
async fn unless_lost(client: &Client, script: &str) -> Result<(), Error> {
    let mut tries = 0;
    loop {
        match client.batch_execute(script).await {
            Err(error) if tries < TRIES && lost_a_race(&error) => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(10) * tries).await;
            }
            done => return done,
        }
    }
}

/// Another database of the same server did the same at the same moment. No advisory lock spans databases.
fn lost_a_race(error: &Error) -> bool {
    let Some(error) = error.as_db_error() else { return false };
    let code = error.code();
    // "tuple concurrently updated" has no code of its own.
    *code == SqlState::INTERNAL_ERROR
        || *code == SqlState::UNIQUE_VIOLATION
        || *code == SqlState::DUPLICATE_OBJECT
}
