//! Tables and columns, and how a schema step changes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The tables of a database, by name, with their columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// Table → column → what it is.
    pub tables: BTreeMap<String, BTreeMap<String, Column>>,
}

/// Asks Postgres for its catalogue: one row, one text column `catalogue`, for [`Catalogue::read`].
pub const CATALOGUE_SQL: &str = include_str!("catalogue.sql");

/// One column, as far as a release can notice it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its SQL type, by its name in `pg_type`.
    pub sql_type: String,
    /// Whether an INSERT that leaves it out fails: NOT NULL, without a default, not generated.
    pub required: bool,
}

/// One difference between two catalogues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// A table is there now, with no column but those added after it.
    AddTable {
        /// The table.
        table: String,
    },
    /// A table is gone with its columns.
    DropTable {
        /// The table.
        table: String,
    },
    /// A column is there now, or is no longer what it was.
    SetColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// What it is from now on.
        to: Column,
    },
    /// A column is gone.
    DropColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
}

impl Catalogue {
    /// Reads the answer to [`CATALOGUE_SQL`].
    ///
    /// # Errors
    /// When the text is not such an answer.
    pub fn read(answer: &str) -> Result<Self, serde_json::Error> {
        Ok(Self { tables: serde_json::from_str(answer)? })
    }

    /// The catalogue after `changes`. A change to what is not there does nothing: the database has the last
    /// word on whether a step applies, this only says what a release would see.
    #[must_use]
    pub fn after<'a>(&self, changes: impl IntoIterator<Item = &'a Change>) -> Self {
        let mut next = self.clone();
        for change in changes {
            match change {
                Change::AddTable { table } => {
                    next.tables.entry(table.clone()).or_default();
                }
                Change::DropTable { table } => {
                    next.tables.remove(table);
                }
                Change::SetColumn { table, column, to } => {
                    if let Some(columns) = next.tables.get_mut(table) {
                        columns.insert(column.clone(), to.clone());
                    }
                }
                Change::DropColumn { table, column } => {
                    if let Some(columns) = next.tables.get_mut(table) {
                        columns.remove(column);
                    }
                }
            }
        }
        next
    }

    /// What turns this catalogue into `next`.
    #[must_use]
    pub fn changes_to(&self, next: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        for table in self.tables.keys().filter(|table| !next.tables.contains_key(*table)) {
            changes.push(Change::DropTable { table: table.clone() });
        }
        for (table, columns) in &next.tables {
            let before = self.tables.get(table);
            if before.is_none() {
                changes.push(Change::AddTable { table: table.clone() });
            }
            let dropped = before.into_iter().flatten().filter(|(column, _)| !columns.contains_key(*column));
            for (column, _) in dropped {
                changes.push(Change::DropColumn { table: table.clone(), column: column.clone() });
            }
            for (column, to) in columns {
                if before.and_then(|before| before.get(column)) != Some(to) {
                    changes.push(Change::SetColumn {
                        table: table.clone(),
                        column: column.clone(),
                        to: to.clone(),
                    });
                }
            }
        }
        changes
    }
}
