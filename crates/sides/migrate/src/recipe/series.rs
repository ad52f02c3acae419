//! What several series of migrations have in common.

use super::{
    Instead,
    instead::advice,
    names::{Table, quoted},
    sync::Sync,
};
use crate::class::{ColumnFacts, Facts};

/// A column that nothing but its table hangs on. What hangs on it would have to be written by hand.
pub(crate) fn free_column<'a>(
    table: &Table,
    column: &str,
    facts: &'a Facts,
) -> Result<&'a ColumnFacts, Instead> {
    let Some(known) = facts.column(&table.key, column) else {
        return Err(advice(
            "the column does not exist yet, so its type is not known; put it in a migration of its own",
        ));
    };
    if known.used_by.is_empty() {
        return Ok(known);
    }
    Err(Instead::Advice(format!(
        "these depend on {}.{column}: {}; add a new column, keep both in sync with a trigger, fill it in \
         batches, rebuild them for it (indexes with CONCURRENTLY), then drop the old one",
        table.key,
        known.used_by.join(", "),
    )))
}

/// Takes back a new column and its trigger.
pub(crate) fn undo(sync: &Sync, table: &Table, column: &str) -> Vec<String> {
    let mut down = sync.down();
    down.push(format!("ALTER TABLE {} DROP COLUMN {column}", table.written));
    down
}

/// A name for a column that lives only during the series.
pub(crate) fn temporary(column: &str) -> (String, String) {
    let name = super::names::given(column, &[], "new");
    (name.clone(), quoted(&name))
}
