//! The database roles that keep a process to what it needs.

use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::SimpleAsyncConnection as _;

const TRIES: u32 = 20;

/// Makes the role `sides_clock`, which has rights in schema `sides` and none in `public`.
///
/// Roles belong to the whole server, so databases of one server share it; its rights are per database.
/// Without the right to make roles nothing happens: the clock then acts with the user's own rights and says
/// so in its log.
///
/// # Errors
/// When the database is away.
pub async fn ensure_roles(connection: &mut database::Connection) -> Result<(), Error> {
    let mut tries = 0;
    loop {
        match connection.batch_execute(include_str!("roles.sql")).await {
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
    match error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => true,
        Error::DatabaseError(_, said) => {
            said.message().contains("concurrently updated")
                || said.message() == "role \"sides_clock\" already exists"
        }
        _ => false,
    }
}
