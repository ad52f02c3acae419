//! The queue's tables, for an application that has no `sides-migrate`.

mod alone;
mod hand_over;

use std::{error::Error, time::Duration};

use database::{ConnectError, Connection, DatabaseUrl};
use diesel::{QueryableByName, pg::Pg, sql_types::Bool};
use diesel_async::{RunQueryDsl as _, async_connection_wrapper::AsyncConnectionWrapper};

pub use self::{
    alone::{MigrationText, Migrations},
    hand_over::hand_over,
};
use crate::error::chain;

/// How often to ask whether another instance has finished.
const POLL: Duration = Duration::from_millis(100);

/// Why the tables could not be set up or upgraded.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// There is no connection.
    #[error("the queue's tables cannot be set up: {}", chain(.0))]
    Connect(#[from] ConnectError),
    /// The lock could not be asked for.
    #[error("the lock that makes one instance migrate at a time could not be taken: {0}")]
    Lock(#[from] diesel::result::Error),
    /// A migration failed. Those before it stay applied; the next call continues with this one.
    #[error(
        "a migration of the queue's tables failed; mend the cause and start again, it continues there: {0}"
    )]
    Migration(#[source] Box<dyn Error + Send + Sync>),
    /// The thread that migrates panicked, or the runtime is shutting down.
    #[error("the migrations were interrupted; start again, they continue where they were")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// The queue's own tables, functions and indexes, all in schema `sides`, and nothing else: no role, no grant, no table of
/// another part of sides. For whoever applies migrations with a tool of their own; everybody else calls [`migrate()`].
///
/// They are a [`MigrationSource`](diesel::migration::MigrationSource) for diesel's `MigrationHarness`, and
/// [`Migrations::texts`] for all others. They have the names of the chassis' own: a database that `sides-migrate` looks
/// after has them, and takes these without a change; one that has these takes the rest by [`hand_over()`]. Names and texts of
/// released ones never change.
///
/// Whoever has `USAGE` on the schema may call the functions, and no role but its owner has that unless it is granted.
#[must_use]
pub const fn migrations() -> Migrations {
    Migrations(())
}

/// Creates or upgrades the queue's tables, all in schema `sides`. Returns the versions that were applied, none when all
/// were there.
///
/// Call it at each start, before anything enqueues: instances that start together wait for the first one. What is
/// applied is noted in diesel's own table, `__diesel_schema_migrations`; migrations of other tools are left alone. The
/// role of `url` must be allowed to create a schema in the database. They are the [`migrations()`].
///
/// # Errors
/// When the database is away, or refuses a migration.
pub async fn migrate(url: &DatabaseUrl) -> Result<Vec<String>, MigrateError> {
    locked(url, apply).await
}

/// Does something that one instance does at a time.
async fn locked<T: Send + 'static>(
    url: &DatabaseUrl,
    work: impl FnOnce(Connection) -> Result<T, Box<dyn Error + Send + Sync>> + Send + 'static,
) -> Result<T, MigrateError> {
    let mut connection = database::connect(url).await?;
    // Asked again and again: who waits inside a statement holds a snapshot, which the concurrent index build of the
    // instance that migrates would wait for, for ever. The lock ends with the connection.
    while !try_lock(&mut connection).await? {
        tokio::time::sleep(POLL).await;
    }
    let done = tokio::task::spawn_blocking(move || work(connection)).await?;
    done.map_err(MigrateError::Migration)
}

async fn try_lock(connection: &mut Connection) -> diesel::QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        taken: bool,
    }
    let sql = format!("SELECT pg_try_advisory_lock({}) AS taken", schema::locks::MIGRATION_RUNNER);
    let answer: Answer = diesel::sql_query(sql).get_result(connection).await?;
    Ok(answer.taken)
}

fn apply(connection: Connection) -> Result<Vec<String>, Box<dyn Error + Send + Sync>> {
    let mut connection = AsyncConnectionWrapper::<Connection>::from(connection);
    let source = migrations();
    let applied = diesel_migrations::MigrationHarness::<Pg>::run_pending_migrations(&mut connection, source)?;
    Ok(applied.iter().map(ToString::to_string).collect())
}
