//! The database roles that keep a process to what it needs.

use std::time::Duration;

use tokio_postgres::{Client, Error, error::SqlState};

const TRIES: u32 = 20;

/// Makes the role `sides_clock`, which has rights in schema `sides` and none in `public`.
///
/// Roles belong to the whole server, so databases of one server share it; its rights are per database.
/// Without the right to make roles nothing happens: the clock then acts with the user's own rights and says
/// so in its log.
///
/// When everything was reverted it gives back what it took from others. Needs the runner's own tables.
///
/// # Errors
/// When the database is away.
pub async fn ensure_roles(client: &Client) -> Result<(), Error> {
    let mut tries = 0;
    loop {
        match client.batch_execute(include_str!("roles.sql")).await {
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
