//! The schedules in the database, as commands and releases read them.

use anyhow::Context as _;
use database::Connection;
use schedule::{Schedule, Written};
use schema::schedules::{Listed, listed};
use serde_json::Value;

/// All of them, by name.
///
/// # Errors
/// When the tables cannot be read.
pub async fn all(connection: &mut Connection) -> anyhow::Result<Vec<Listed>> {
    load(connection, None).await
}

/// The one of this name.
///
/// # Errors
/// When the tables cannot be read.
pub async fn find(connection: &mut Connection, name: &str) -> anyhow::Result<Option<Listed>> {
    Ok(load(connection, Some(name)).await?.pop())
}

async fn load(connection: &mut Connection, name: Option<&str>) -> anyhow::Result<Vec<Listed>> {
    let rows = listed(connection, name).await;
    rows.context("cannot read the schedules; is the schema up to date? run `sides migration up`")
}

/// The schedule, or why it never fires.
pub fn read(row: &Listed) -> Result<Schedule, String> {
    let arguments = match &row.arguments {
        Some(json) => json.value().map_err(|error| format!("cannot read its arguments: {error}"))?,
        None => Value::Object(serde_json::Map::new()),
    };
    let written = Written {
        name: row.name.clone(),
        expression: row.expression.clone(),
        zone: row.zone.clone(),
        kind: row.kind.clone(),
        arguments,
        version: row.version.unwrap_or(1),
        missed: row.missed.clone(),
        overlap: row.overlap.clone(),
    };
    written.read_stored().map_err(|error| {
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        format!("{error}{}", source.unwrap_or_default())
    })
}

/// How many instances are alive and ready that fire schedules, or have not said yet what they do.
pub async fn clocks(connection: &mut Connection) -> anyhow::Result<usize> {
    let alive = schema::instances::alive(connection).await?;
    Ok(alive.iter().filter(|one| (one.fires() || one.manifest.is_none()) && one.is_ready()).count())
}
