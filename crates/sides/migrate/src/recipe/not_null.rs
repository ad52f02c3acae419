//! NOT NULL without a scan: a validated CHECK proves it, and validation blocks no writers.

use super::names::{Table, given, quoted};

/// Postgres takes a valid CHECK for the proof, so the last step reads nothing.
pub(crate) fn set(table: &Table, column: &str) -> Vec<String> {
    let proof = quoted(&given(&table.bare, &[column.to_owned()], "is_set"));
    let (table, column) = (&table.written, quoted(column));
    vec![
        format!("ALTER TABLE {table} ADD CONSTRAINT {proof} CHECK ({column} IS NOT NULL) NOT VALID"),
        format!("ALTER TABLE {table} VALIDATE CONSTRAINT {proof}"),
        format!("ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL"),
        format!("ALTER TABLE {table} DROP CONSTRAINT {proof}"),
    ]
}
