//! A change of type: a new column, kept in sync by a trigger, filled in batches, then swapped.

use squawk_syntax::ast::{AstNode as _, Expr, SetType};

use super::{
    Instead, Part, like,
    names::{Table, quoted},
    not_null, series,
    sync::Sync,
};
use crate::class::{Facts, text_of};

pub(crate) fn set_type(
    table: &Table,
    column: &str,
    to: &SetType,
    using: Option<&Expr>,
    facts: &Facts,
) -> Instead {
    let known = match series::free_column(table, column, facts) {
        Ok(known) => known,
        Err(advice) => return advice,
    };
    let ty = to.ty().map(|ty| text_of(&ty)).unwrap_or_default();
    let collation = to.collate().map(|collate| format!(" {}", text_of(&collate))).unwrap_or_default();
    let (name, new) = series::temporary(column);
    let old = quoted(column);
    let value = using.map_or_else(|| format!("{old}::{ty}"), text_of);
    let sync = Sync::of(table, &name);
    // As a row of a subquery, so that an expression of USING means the new row's columns.
    let body = format!("    SELECT {value} INTO NEW.{new} FROM (SELECT (NEW).*) AS {};", quoted(&table.bare));
    let mut expand = vec![format!("ALTER TABLE {} ADD COLUMN {new} {ty}{collation}", table.written)];
    expand.extend(like::column(table, column, &name, known, false));
    expand.extend(sync.up(&body));
    let fill = format!("UPDATE {} SET {new} = {value} WHERE {new} IS DISTINCT FROM ({value})", table.written);
    let mut parts = vec![
        Part { suffix: "add", up: expand, down: series::undo(&sync, table, &new), ..Part::default() },
        Part { suffix: "fill", up: vec![fill], backfill: true, ..Part::default() },
    ];
    if known.not_null {
        let up = not_null::set(table, &name);
        let down = vec![format!("ALTER TABLE {} ALTER COLUMN {new} DROP NOT NULL", table.written)];
        parts.push(Part { suffix: "require", up, down, ..Part::default() });
    }
    let mut swap = sync.down();
    swap.push(format!("ALTER TABLE {} DROP COLUMN {old}", table.written));
    swap.push(format!("ALTER TABLE {} RENAME COLUMN {new} TO {old}", table.written));
    // Postgres casts the default as it casts the values.
    swap.extend(
        known
            .default
            .iter()
            .map(|default| format!("ALTER TABLE {} ALTER COLUMN {old} SET DEFAULT {default}", table.written)),
    );
    parts.push(Part {
        suffix: "swap",
        up: swap,
        in_transaction: true,
        accept: Some("the old name stays: the new column takes it in the same transaction"),
        ..Part::default()
    });
    Instead::Series(parts)
}

/// The expression of USING, which the parser gives no name.
pub(crate) fn using(option: &SetType) -> Option<Expr> {
    let node = option.syntax();
    let behind = |parent: &squawk_syntax::SyntaxNode| {
        let keyword = parent
            .children_with_tokens()
            .find(|element| element.kind() == squawk_syntax::SyntaxKind::USING_KW)?;
        let end = keyword.text_range().end();
        parent.children().filter(|child| child.text_range().start() >= end).find_map(Expr::cast)
    };
    behind(node).or_else(|| {
        node.descendants()
            .find_map(|inner| behind(&inner))
            .or_else(|| node.parent().and_then(|outer| behind(&outer)))
    })
}
