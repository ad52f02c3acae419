//! Applying migrations, one runner at a time.

use database::DatabaseUrl;
use diesel_async::{AsyncMigrationHarness, RunQueryDsl as _, SimpleAsyncConnection as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// The advisory lock that one runner holds: the bytes of "sidesmig". A connection's death releases it.
const RUNNER_LOCK: i64 = i64::from_be_bytes(*b"sidesmig");

/// Why the schema could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// No connection.
    #[error("no connection for the migration runner")]
    Connect(#[from] database::ConnectError),
    /// The lock or the roles could not be had.
    #[error("the database refused a statement of the migration runner")]
    Query(#[from] diesel::result::Error),
    /// A migration failed; those before it stay applied.
    #[error("a migration failed: {0}")]
    Migration(Box<dyn std::error::Error + Send + Sync>),
}

/// Applies every pending migration and returns the names of those applied.
///
/// Needs a multi-threaded tokio runtime.
///
/// # Errors
/// When the database is away or refuses a migration.
pub async fn up(url: &DatabaseUrl) -> Result<Vec<String>, MigrateError> {
    with_lock(url, |harness| {
        let applied = harness.run_pending_migrations(MIGRATIONS)?;
        Ok(applied.iter().map(ToString::to_string).collect())
    })
    .await
}

/// Reverts every applied migration, newest first, and returns their versions.
///
/// # Errors
/// When the database is away or refuses a step.
pub async fn down_all(url: &DatabaseUrl) -> Result<Vec<String>, MigrateError> {
    with_lock(url, |harness| {
        let reverted = harness.revert_all_migrations(MIGRATIONS)?;
        Ok(reverted.iter().map(ToString::to_string).collect())
    })
    .await
}

type Outcome = Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>>;

async fn with_lock(
    url: &DatabaseUrl,
    work: impl FnOnce(&mut AsyncMigrationHarness<database::Connection>) -> Outcome,
) -> Result<Vec<String>, MigrateError> {
    let mut lock = database::connect(url).await?;
    diesel::sql_query("SELECT pg_advisory_lock($1)")
        .bind::<diesel::sql_types::BigInt, _>(RUNNER_LOCK)
        .execute(&mut lock)
        .await?;
    let mut connection = database::connect(url).await?;
    // Unqualified names mean public, also for a user who is called like a schema.
    connection.batch_execute("SET search_path = public").await?;
    let mut harness = AsyncMigrationHarness::new(connection);
    let done = work(&mut harness).map_err(MigrateError::Migration)?;
    let mut connection = harness.into_inner();
    crate::ensure_roles(&mut connection).await?;
    Ok(done)
}
