//! Whether a build is compatible with a schema.

use std::fmt;

use crate::{Catalogue, Manifest};

/// Why a release cannot work on a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SchemaMismatch {
    /// It uses a column that is not there.
    Missing {
        /// `table.column`.
        column: String,
    },
    /// It was built for another type.
    Type {
        /// `table.column`.
        column: String,
        /// The type it was built for.
        built_for: String,
    },
    /// It inserts without a value for a column that needs one.
    Required {
        /// `table.column`.
        column: String,
    },
}

/// What a release misses in a catalogue; nothing when it works on it.
#[must_use]
pub fn schema_mismatches(manifest: &Manifest, catalogue: &Catalogue) -> Vec<SchemaMismatch> {
    let mut mismatches = Vec::new();
    for (table, usage) in &manifest.tables {
        let there = catalogue.tables.get(table);
        for (column, built_for) in &usage.columns {
            let name = format!("{table}.{column}");
            match there.and_then(|columns| columns.get(column)) {
                None => mismatches.push(SchemaMismatch::Missing { column: name }),
                Some(found) if found.sql_type != *built_for => {
                    mismatches.push(SchemaMismatch::Type { column: name, built_for: built_for.clone() });
                }
                Some(_) => {}
            }
        }
        let Some(inserts) = &usage.inserts else { continue };
        let unknown = inserts.iter().filter(|column| !usage.columns.contains_key(*column));
        let lacking = unknown.filter(|column| there.is_none_or(|columns| !columns.contains_key(*column)));
        mismatches
            .extend(lacking.map(|column| SchemaMismatch::Missing { column: format!("{table}.{column}") }));
        let unfilled =
            there.into_iter().flatten().filter(|(column, what)| what.required && !inserts.contains(*column));
        mismatches.extend(
            unfilled.map(|(column, _)| SchemaMismatch::Required { column: format!("{table}.{column}") }),
        );
    }
    mismatches
}

impl fmt::Display for SchemaMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { column } => write!(f, "uses {column}"),
            Self::Type { column, built_for } => write!(f, "was built for {column} as {built_for}"),
            Self::Required { column } => write!(f, "inserts without {column}"),
        }
    }
}
