//! Pausing and resuming a running backfill, and its status.

use database::DatabaseUrl;
use tokio_postgres::Client;

use super::{Progress, checkpoint};
use crate::{MigrateError, ledger, session};

/// How far every backfill has come. Changes nothing.
///
/// # Errors
/// When the database is unavailable.
pub async fn progress(url: &DatabaseUrl) -> Result<Vec<Progress>, MigrateError> {
    let client = open(url).await?;
    if !ledger::exists(&client).await? {
        return Ok(Vec::new());
    }
    Ok(checkpoint::all(&client).await?)
}

/// Has the unfinished ones (those of these names, or all) rest after their present batch, until they are resumed.
/// Returns their names. `by` says who asked.
///
/// # Errors
/// When the database is unavailable.
pub async fn pause(url: &DatabaseUrl, names: &[String], by: &str) -> Result<Vec<String>, MigrateError> {
    order(url, names, Some(by)).await
}

/// Takes a pause back. Returns the names of those that go on, or will when a runner is started.
///
/// # Errors
/// When the database is unavailable.
pub async fn resume(url: &DatabaseUrl, names: &[String]) -> Result<Vec<String>, MigrateError> {
    order(url, names, None).await
}

async fn order(
    url: &DatabaseUrl,
    names: &[String],
    paused_by: Option<&str>,
) -> Result<Vec<String>, MigrateError> {
    let client = open(url).await?;
    if !ledger::exists(&client).await? {
        return Ok(Vec::new());
    }
    let rows = client
        .query(
            "WITH changed AS (
                 UPDATE sides_migrate.backfills AS b SET paused_by = $1::text
                 FROM sides_migrate.steps AS s
                 WHERE s.id = b.step_id AND s.finished_at IS NULL AND s.direction = 'up'
                   AND (b.paused_by IS NULL) = ($1::text IS NOT NULL)
                   AND (cardinality($2::text[]) = 0 OR b.migration = ANY ($2))
                 RETURNING b.migration
             )
             SELECT DISTINCT migration FROM changed ORDER BY migration",
            &[&paused_by, &names],
        )
        .await?;
    Ok(rows.iter().filter_map(|row| row.get(0)).collect())
}

async fn open(url: &DatabaseUrl) -> Result<Client, MigrateError> {
    session::connect_as("migrate (backfill)", url).await
}
