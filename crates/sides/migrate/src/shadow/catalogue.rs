//! A catalogue as text that can be compared.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio_postgres::{Client, Error};

/// Everything in a database that migrations make, each thing by its kind and name, in the order of the names:
/// two with the same things are equal however they came to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Catalogue(BTreeMap<String, String>);

impl Catalogue {
    /// A digest: equal ones have equal catalogues.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut digest = Sha256::new();
        for (name, definition) in &self.0 {
            digest.update(name);
            digest.update([0]);
            digest.update(definition);
            digest.update([0]);
        }
        hex::encode(digest.finalize())
    }

    /// What is different in `other`, a line each: `-` only here, `+` only there.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, here) in &self.0 {
            match other.0.get(name) {
                Some(there) if there == here => {}
                Some(there) => lines.extend([format!("-{name} {here}"), format!("+{name} {there}")]),
                None => lines.push(format!("-{name} {here}")),
            }
        }
        let added = other.0.iter().filter(|(name, _)| !self.0.contains_key(*name));
        lines.extend(added.map(|(name, there)| format!("+{name} {there}")));
        lines
    }

    /// Whether code that works on this catalogue may fail on `after`: something is gone, or more is demanded of what
    /// was there.
    #[must_use]
    pub fn is_narrowed_by(&self, after: &Self) -> bool {
        let gone = self.0.keys().any(|name| !name.starts_with("index ") && !after.0.contains_key(name));
        let demands = after.0.iter().any(|(name, definition)| {
            let Some((kind, rest)) = name.split_once(' ') else { return false };
            let table = rest.rsplit_once('.').map_or(rest, |(table, _)| table);
            match self.0.get(name) {
                // Who could read or write a row may no longer.
                None if kind == "column" => self.has_composite(table),
                None => ["constraint", "policy", "rule"].contains(&kind) && self.has_table(table),
                Some(before) => before != definition && !goes_on(kind, before, definition),
            }
        });
        gone || demands
    }

    fn has_table(&self, name: &str) -> bool {
        self.0.contains_key(&format!("table {name}"))
    }

    /// A type of several columns: a value that lacks one is not what it was.
    fn has_composite(&self, name: &str) -> bool {
        let prefix = format!("column {name}.");
        let is_there = self.0.range(prefix.clone()..).next().is_some_and(|(one, _)| one.starts_with(&prefix));
        is_there && !self.has_table(name)
    }
}

/// Whether code goes on with a thing whose definition is another now.
fn goes_on(kind: &str, before: &str, after: &str) -> bool {
    match kind {
        "index" | "function" => true,
        // Whose it is and where it starts is nothing to those who take its values.
        "sequence" => {
            let steps = |text: &str| -> Vec<String> {
                [0, 2, 3, 4, 5]
                    .iter()
                    .filter_map(|&part| Some(text.split(' ').nth(part)?.to_owned()))
                    .collect()
            };
            steps(before) == steps(after)
        }
        "table" => before.contains("rls=t") || !after.contains("rls=t"),
        // A default may be another, but not gone.
        "column" => {
            let (was, had) = split_default(before);
            let (is, has) = split_default(after);
            was == is && (has || !had)
        }
        // An enum has more values.
        "type" if before.starts_with('\'') => {
            let values: Vec<&str> = after.split(", ").collect();
            before.split(", ").all(|value| values.contains(&value))
        }
        _ => false,
    }
}

/// A column's definition up to its default, and whether it has one.
fn split_default(definition: &str) -> (&str, bool) {
    match definition.split_once("DEFAULT ") {
        Some((rest, _)) => (rest.trim_end(), true),
        None => (definition.trim_end(), false),
    }
}

/// Reads the catalogue, without the runner's own tables.
///
/// # Errors
/// When the database is unavailable.
pub async fn catalogue(client: &Client) -> Result<Catalogue, Error> {
    let rows = client.query(include_str!("catalogue.sql"), &[]).await?;
    Ok(Catalogue(rows.iter().map(|row| (row.get(0), row.get(1))).collect()))
}
