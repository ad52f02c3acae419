//! The facts of a real catalogue that decide a statement's class.

use std::collections::BTreeSet;

use tokio_postgres::{Client, Error, ToStatement};

use crate::class::Facts;

/// The question for them: `$1` limits it to what statements with these names need, NULL does not.
pub(crate) const FACTS_SQL: &str = include_str!("facts.sql");

/// Reads the facts as they are now.
///
/// # Errors
/// When the database is unavailable.
pub async fn facts(client: &Client) -> Result<Facts, Error> {
    read(client, FACTS_SQL, None).await
}

pub(crate) async fn read<S: ToStatement + ?Sized>(
    client: &Client,
    question: &S,
    names: Option<&BTreeSet<String>>,
) -> Result<Facts, Error> {
    let names: Option<Vec<&str>> = names.map(|names| names.iter().map(String::as_str).collect());
    let row = client.query_one(question, &[&names]).await?;
    let text: String = row.get(0);
    // The query and the type are two halves of one file; without facts the worst is assumed.
    Ok(serde_json::from_str(&text).unwrap_or_default())
}
