//! Indexes that are built and dropped without blocking writers.

use squawk_syntax::ast::{AstNode as _, CreateIndex, DropIndex, Expr};

use super::{
    Instead,
    names::{Table, given, quoted},
    partitioned::{self, Shape},
};
use crate::class::{Facts, fold, text_of};

pub(crate) fn create(create: &CreateIndex, facts: &Facts) -> Instead {
    let text = text_of(create);
    let text = text.trim_end_matches(';');
    let (Some(keyword), Some(relation)) = (create.index_token(), create.relation_name()) else {
        return super::instead::advice("write CONCURRENTLY after INDEX");
    };
    let table = Table::of(Some(relation.clone()));
    let columns = columns(create);
    let start = create.syntax().text_range().start();
    // Nobody could find a half-built index without a name.
    let name = create.name().map(|name| fold(&text_of(&name)));
    if let Some(partitions) = facts.partitions.get(&table.key) {
        let behind = &text[usize::from(relation.syntax().text_range().end() - start)..];
        let behind = if behind.starts_with([' ', '\n']) { behind.to_owned() } else { format!(" {behind}") };
        let unique = if create.unique_token().is_some() { "UNIQUE " } else { "" };
        let name = name.unwrap_or_else(|| given(&table.bare, &columns, "idx"));
        let shape = Shape { unique, behind: &behind, columns: &columns };
        return partitioned::index(&table, &name, &shape, partitions);
    }
    let end = usize::from(keyword.text_range().end() - start);
    let name = match name {
        Some(_) => String::new(),
        None => format!(" {}", quoted(&given(&table.bare, &columns, "idx"))),
    };
    Instead::Statements(vec![format!("{} CONCURRENTLY{name}{}", &text[..end], &text[end..])])
}

/// Its columns as Postgres names it after them.
fn columns(create: &CreateIndex) -> Vec<String> {
    let items = create.partition_item_list().into_iter().flat_map(|list| list.partition_items());
    let named = items.map(|item| match item.expr() {
        Some(Expr::NameRef(name)) => fold(&text_of(&name)),
        Some(Expr::CallExpr(call)) => {
            let called = call.expr().map(|name| fold(&text_of(&name))).unwrap_or_default();
            called.rsplit('.').next().unwrap_or_default().to_owned()
        }
        _ => "expr".to_owned(),
    });
    let included = create.constraint_include_clause().map(|clause| text_of(&clause)).unwrap_or_default();
    let included = included.split_once('(').map(|(_, rest)| rest.trim_end_matches([')', ' ']).to_owned());
    let included = included.unwrap_or_default();
    let included = included.split(',').map(fold).filter(|name| !name.is_empty());
    named.chain(included).collect()
}

/// Postgres drops one at a time so.
pub(crate) fn drop(drop: &DropIndex) -> Instead {
    let if_exists = if drop.if_exists().is_some() { "IF EXISTS " } else { "" };
    let each = drop.paths().map(|path| format!("DROP INDEX CONCURRENTLY {if_exists}{}", text_of(&path)));
    Instead::Statements(each.collect())
}
