//! Indexes that are built and dropped beside the writers.

use squawk_syntax::ast::{AstNode as _, CreateIndex, DropIndex, Expr};

use super::{
    Instead,
    names::{Table, given},
};
use crate::class::{fold, text_of};

pub(crate) fn create(create: &CreateIndex) -> Instead {
    let text = text_of(create);
    let text = text.trim_end_matches(';');
    let Some(keyword) = create.index_token() else {
        return super::instead::advice("write CONCURRENTLY behind INDEX");
    };
    let start = create.syntax().text_range().start();
    let end = usize::from(keyword.text_range().end() - start);
    // Nobody could find a half-built index without a name.
    let name = match create.name() {
        Some(_) => String::new(),
        None => {
            let table = Table::of(create.relation_name());
            let items = create.partition_item_list().into_iter().flat_map(|list| list.partition_items());
            let columns: Vec<_> = items
                .map(|item| match item.expr() {
                    Some(Expr::NameRef(name)) => fold(&text_of(&name)),
                    Some(Expr::CallExpr(call)) => {
                        let called = call.expr().map(|name| fold(&text_of(&name))).unwrap_or_default();
                        called.rsplit('.').next().unwrap_or_default().to_owned()
                    }
                    _ => "expr".to_owned(),
                })
                .collect();
            format!(" {}", super::names::quoted(&given(&table.bare, &columns, "idx")))
        }
    };
    Instead::Statements(vec![format!("{} CONCURRENTLY{name}{}", &text[..end], &text[end..])])
}

/// Postgres drops one at a time so.
pub(crate) fn drop(drop: &DropIndex) -> Instead {
    let if_exists = if drop.if_exists().is_some() { "IF EXISTS " } else { "" };
    let each = drop.paths().map(|path| format!("DROP INDEX CONCURRENTLY {if_exists}{}", text_of(&path)));
    Instead::Statements(each.collect())
}
