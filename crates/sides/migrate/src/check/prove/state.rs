//! The observable state of a database: its catalogue, rights, comments, settings, and every row.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::{Client, Error};

use crate::{
    Migration,
    backfill::Batched,
    shadow::{Catalogue, catalogue},
    sql::statements,
};

/// So many rows are shown of a table that has others.
const SHOWN: usize = 3;

/// A database at the end.
#[derive(Debug)]
pub(super) struct State {
    catalogue: Catalogue,
    rest: BTreeMap<String, String>,
    /// Table → its rows, in their own order.
    rows: BTreeMap<String, Vec<String>>,
}

/// Table and column of each column there is.
pub(super) async fn columns(client: &Client) -> Result<BTreeSet<(String, String)>, Error> {
    let query = "SELECT attrelid::regclass::text, attname::text FROM pg_attribute
                 WHERE attrelid >= 16384 AND attnum > 0 AND NOT attisdropped";
    Ok(client.query(query, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

impl State {
    /// Reads it. Of values that are others each time, only whether they are there: defaults of columns that were not
    /// `known` before, and what the plain migration sets so.
    pub(super) async fn read(
        client: &Client,
        known: &BTreeSet<(String, String)>,
        plain: &Migration,
    ) -> Result<Self, Error> {
        let rest = client.query(include_str!("state.sql"), &[]).await?;
        let rest = rest.iter().map(|row| (row.get(0), row.get(1))).collect();
        let filled: BTreeSet<String> = statements(plain.up())
            .iter()
            .filter_map(|statement| Batched::of(&statement.text))
            .flat_map(|batched| batched.filled_by_chance())
            .collect();
        let mut rows = BTreeMap::new();
        for row in client.query(include_str!("tables.sql"), &[]).await? {
            let (table, chance): (String, Vec<String>) = (row.get(0), row.get(1));
            let chance =
                chance.into_iter().filter(|column| !known.contains(&(table.clone(), column.clone())));
            let only_there: Vec<String> = chance.chain(filled.iter().cloned()).collect();
            rows.insert(table.clone(), read_rows(client, &table, &only_there).await?);
        }
        Ok(Self { catalogue: catalogue(client).await?, rest, rows })
    }

    /// `-` as the plain migration leaves it, `+` as the other does.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let mut lines = self.catalogue.difference(&other.catalogue);
        let names: BTreeSet<&String> = self.rest.keys().chain(other.rest.keys()).collect();
        for name in names {
            let (here, there) = (self.rest.get(name), other.rest.get(name));
            if here != there {
                lines.extend(here.map(|text| format!("-{name}: {text}")));
                lines.extend(there.map(|text| format!("+{name}: {text}")));
            }
        }
        for (table, here) in &self.rows {
            let Some(there) = other.rows.get(table) else { continue };
            let only = |one: &[String], two: &[String], sign: &str| -> Vec<String> {
                let of_two: BTreeSet<&String> = two.iter().collect();
                let left = one.iter().filter(|row| !of_two.contains(row)).take(SHOWN);
                left.map(|row| format!("{sign}a row of {table}: {row}")).collect()
            };
            lines.extend(only(here, there, "-"));
            lines.extend(only(there, here, "+"));
            if here.len() != there.len() {
                lines.push(format!("{table} has {} rows, and would have {}", here.len(), there.len()));
            }
        }
        lines
    }
}

async fn read_rows(client: &Client, table: &str, only_there: &[String]) -> Result<Vec<String>, Error> {
    let query = format!(
        "SELECT (to_jsonb(t) - $1::text[] || (SELECT coalesce(jsonb_object_agg(one, to_jsonb(t) -> one <> 'null'), '{{}}')
                                              FROM unnest($1::text[]) AS one WHERE to_jsonb(t) ? one))::text
         FROM {table} AS t ORDER BY 1"
    );
    Ok(client.query(&query, &[&only_there]).await?.iter().map(|row| row.get(0)).collect())
}
