//! Row changes in batches.

use squawk_syntax::ast::Truncate;

use super::{Instead, instead::advice};
use crate::{backfill::Batched, class::text_of};

/// As it is, in batches, where its text alone does not say that it comes to something else so.
pub(crate) fn batches(text: &str) -> Instead {
    match Batched::of(text).and_then(|batched| batched.why_whole()) {
        Some(why) => Instead::Advice(why),
        None => Instead::Batches(text.to_owned()),
    }
}

pub(crate) fn truncate(truncate: &Truncate) -> Instead {
    let tables: Vec<_> = truncate.table_list().into_iter().flat_map(|list| list.relation_names()).collect();
    match &tables[..] {
        [table] if truncate.restart_token().is_none() => {
            Instead::Batches(format!("DELETE FROM {}", text_of(table)))
        }
        _ => advice("delete from one table after the other, each in a backfill of its own"),
    }
}
