//! The tables a build knows, read by the compiler from the very file that its code was compiled from, or from a list.
//!
//! `models/src/schema.rs` and its like hold one `diesel::table!` for each table. Diesel cannot name a column
//! that is not in there, and a test holds raw SQL to them, so that file is the sound upper bound of what a
//! build can touch: no second list that could be forgotten. [`tables!`](crate::tables) reads it by diesel's own parser
//! while the crate is compiled; what it does not understand does not compile.
//!
//! Code that does not use diesel lists its tables:
//!
//! ```
//! const SCHEMA: sides_manifest::Tables = sides_manifest::tables! {
//!     people { id: bigint, name: text, tags: text[] }
//! };
//! assert_eq!(SCHEMA, [("people", &[("id", "int8"), ("name", "text"), ("tags", "_text")][..])]);
//! ```
//! The database knows whether a list is right: `assert_tables` of `sides-testing` asks it.

use std::collections::{BTreeMap, BTreeSet};

use crate::TableUse;

/// The tables of a `schema.rs`, each with its columns and their types in `pg_type`: what [`tables!`](crate::tables)
/// makes.
pub type Tables = &'static [(&'static str, &'static [(&'static str, &'static str)])];

/// What a build does with the tables that it declares: it reads any column, and may fill any when it inserts.
#[must_use]
pub fn declared(tables: Tables) -> BTreeMap<String, TableUse> {
    let usage = |columns: &[(&str, &str)]| {
        let columns: BTreeMap<String, String> =
            columns.iter().map(|(column, kind)| ((*column).to_owned(), (*kind).to_owned())).collect();
        let inserts: BTreeSet<String> = columns.keys().cloned().collect();
        TableUse { columns, inserts: Some(inserts) }
    };
    tables.iter().map(|(name, columns)| ((*name).to_owned(), usage(columns))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declared_column_may_be_read_and_filled() {
        let tables = declared(&[("sides.jobs", &[("id", "uuid"), ("at", "timestamptz")])]);
        let jobs = &tables["sides.jobs"];
        assert_eq!(jobs.columns["at"], "timestamptz");
        assert_eq!(jobs.inserts, Some(BTreeSet::from(["at".to_owned(), "id".to_owned()])));
    }
}
