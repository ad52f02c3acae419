//! Rows that go in batches.

use squawk_syntax::ast::Truncate;

use super::{Instead, instead::advice};
use crate::class::text_of;

pub(crate) fn truncate(truncate: &Truncate) -> Instead {
    let tables: Vec<_> = truncate.table_list().into_iter().flat_map(|list| list.relation_names()).collect();
    match &tables[..] {
        [table] if truncate.restart_token().is_none() => {
            Instead::Batches(format!("DELETE FROM {}", text_of(table)))
        }
        _ => advice("delete from one table after the other, each in a backfill of its own"),
    }
}
