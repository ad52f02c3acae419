//! The facts of the catalogue that decide a statement's class.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// A column as it was before the statement.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ColumnFacts {
    /// Its type, as `format_type` prints it.
    pub sql_type: String,
    /// Whether it is NOT NULL, or a valid CHECK says so.
    pub never_null: bool,
    /// Whether it is NOT NULL itself.
    pub not_null: bool,
    /// The expression of its default.
    pub default: Option<String>,
    /// Indexes, constraints, views and triggers that name it.
    pub used_by: Vec<String>,
    /// Whether it has rights, a comment, a statistics target or a storage of its own.
    #[serde(default)]
    pub kept: bool,
}

/// A partition of a table, however deep.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PartitionFacts {
    /// Its name.
    pub name: String,
    /// The table that it is directly a partition of.
    pub parent: String,
    /// Whether it holds rows itself.
    pub is_leaf: bool,
    /// The columns of its parent's partition key; nothing where that has only expressions.
    pub by: Option<Vec<String>>,
}

/// A materialized view.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MaterializedFacts {
    /// Its query.
    pub definition: String,
    /// Whether it has what `REFRESH … CONCURRENTLY` needs: rows, and a unique index of plain columns.
    pub is_unique: bool,
    /// Its indexes.
    pub indexes: Vec<IndexFacts>,
    /// What hangs on it.
    pub used_by: Vec<String>,
}

/// An index of a materialized view.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IndexFacts {
    /// Its name.
    pub name: String,
    /// Whether it is unique.
    pub is_unique: bool,
    /// Its definition from `USING` on.
    pub columns: String,
}

/// The catalogue as it was before the statement, as far as it matters here. Names are without `public`. Without
/// any facts the worst is assumed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Table → column → what it is.
    pub columns: BTreeMap<String, BTreeMap<String, ColumnFacts>>,
    /// Tables with a valid CHECK.
    pub checked: BTreeSet<String>,
    /// Table → foreign key → the table it refers to.
    pub parents: BTreeMap<String, BTreeMap<String, String>>,
    /// Partitioned table → its default partition.
    pub default_partitions: BTreeMap<String, String>,
    /// Index → its table.
    pub indexes: BTreeMap<String, String>,
    /// Indexes of a constraint, which is called like its index.
    pub constraints: BTreeSet<String>,
    /// Domain → the tables with a column of it.
    pub domains: BTreeMap<String, BTreeSet<String>>,
    /// Table → columns of which each value is there once.
    pub keys: BTreeMap<String, BTreeSet<String>>,
    /// Functions that give another answer for each row.
    pub volatile: BTreeSet<String>,
    /// Partitioned table → its partitions, deepest first.
    pub partitions: BTreeMap<String, Vec<PartitionFacts>>,
    /// Materialized views.
    pub materialized: BTreeMap<String, MaterializedFacts>,
    /// Views.
    pub views: BTreeSet<String>,
}

impl Facts {
    pub(crate) fn column(&self, table: &str, column: &str) -> Option<&ColumnFacts> {
        self.columns.get(table)?.get(column)
    }

    pub(crate) fn parent(&self, table: &str, constraint: &str) -> Option<&String> {
        self.parents.get(table)?.get(constraint)
    }

    pub(crate) fn parents_of(&self, table: &str) -> impl Iterator<Item = &String> {
        self.parents.get(table).into_iter().flat_map(BTreeMap::values)
    }
}
