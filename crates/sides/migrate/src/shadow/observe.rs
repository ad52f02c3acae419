//! Which relations a statement wrote anew: Postgres gives those another file.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error, ToStatement};

/// Each relation's file, as it was at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Files(BTreeMap<u32, (bool, u32)>);

impl Files {
    /// Whether a table that was there then has another file now.
    pub(crate) fn rewritten(&self, now: &Self) -> bool {
        now.0.iter().any(|(oid, (is_table, file))| {
            *is_table && self.0.get(oid).is_some_and(|(_, before)| before != file)
        })
    }

    /// Whether there is an index file now that was not there then.
    pub(crate) fn indexed(&self, now: &Self) -> bool {
        let known: Vec<u32> = self.0.values().map(|(_, file)| *file).collect();
        now.0.values().any(|(is_table, file)| !is_table && !known.contains(file))
    }
}

/// The question for the files of all tables and indexes.
pub(crate) const FILES_SQL: &str = "SELECT oid, relkind <> 'i', relfilenode FROM pg_class
    WHERE relkind IN ('r', 'm', 'i') AND oid >= 16384 AND relfilenode <> 0";

pub(crate) async fn read<S: ToStatement + ?Sized>(client: &Client, question: &S) -> Result<Files, Error> {
    let rows = client.query(question, &[]).await?;
    Ok(Files(rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect()))
}
