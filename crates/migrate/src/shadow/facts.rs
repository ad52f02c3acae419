//! What of a real catalogue decides a statement's class.

use std::collections::BTreeSet;

use tokio_postgres::{Client, Error};

use crate::class::Facts;

/// Reads the facts as they are now.
///
/// # Errors
/// When the database is away.
pub async fn facts(client: &Client) -> Result<Facts, Error> {
    read(client, None).await
}

/// The same as far as a statement with these names needs it.
pub(crate) async fn facts_about(client: &Client, names: &BTreeSet<String>) -> Result<Facts, Error> {
    read(client, Some(names.iter().map(String::as_str).collect())).await
}

async fn read(client: &Client, names: Option<Vec<&str>>) -> Result<Facts, Error> {
    let row = client.query_one(include_str!("facts.sql"), &[&names]).await?;
    let text: String = row.get(0);
    // The query and the type are two halves of one file; without facts the worst is assumed.
    Ok(serde_json::from_str(&text).unwrap_or_default())
}
