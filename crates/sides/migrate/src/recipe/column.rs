//! A new column whose default or constraint would cost a rewrite or a scan.

use squawk_syntax::ast::{AddColumn, AstNode as _, Constraint, ReferencesConstraint};

use super::{
    Instead, Part,
    constraint::{by_index, later},
    instead::advice,
    names::{Table, given, quoted},
    not_null, sequence,
};
use crate::class::{Facts, Reason, classify, fold, text_of};

pub(crate) fn add(table: &Table, add: &AddColumn, facts: &Facts) -> Instead {
    let (Some(name), Some(ty)) = (add.name(), add.ty()) else {
        return advice("give the column a name and a type");
    };
    let (column, ty) = (fold(&text_of(&name)), text_of(&ty));
    let whole = format!("ALTER TABLE {} {}", table.written, text_of(add));
    match classify(&whole, facts).refused {
        Some(Reason::Rewrite) => rewriting(table, add, &column, &ty),
        Some(Reason::FailsOnRows) => required(table, &column, add),
        _ => with_constraints(table, add, &column, facts),
    }
}

/// Without the value for old rows nobody can write the middle: code fills it, then it is required.
fn required(table: &Table, column: &str, add: &AddColumn) -> Instead {
    let bare = without(add, |one| matches!(one, Constraint::NotNullConstraint(_)));
    let name = quoted(column);
    Instead::Series(vec![
        Part {
            suffix: "add",
            up: vec![format!("ALTER TABLE {} {bare}", table.written)],
            down: vec![format!("ALTER TABLE {} DROP COLUMN {name}", table.written)],
            ..Part::default()
        },
        Part {
            suffix: "require",
            up: not_null::set(table, column),
            down: vec![format!("ALTER TABLE {} ALTER COLUMN {name} DROP NOT NULL", table.written)],
            ..Part::default()
        },
    ])
}

fn rewriting(table: &Table, add: &AddColumn, column: &str, ty: &str) -> Instead {
    let mut default = None;
    let mut not_null = false;
    for one in add.constraints() {
        match one {
            Constraint::DefaultConstraint(given) => default = given.expr().map(|expr| text_of(&expr)),
            Constraint::NotNullConstraint(_) => not_null = true,
            Constraint::GeneratedConstraint(generated) if generated.identity_token().is_some() => {
                return sequence::identity(table, column, ty, &generated);
            }
            Constraint::GeneratedConstraint(_) => {
                return advice(
                    "fill a plain column by a trigger and in batches, or compute it in a view; Postgres 18 has VIRTUAL",
                );
            }
            Constraint::NullConstraint(_) => {}
            _ => {
                return advice(
                    "first add the column with its default alone, then each constraint in a migration of its own",
                );
            }
        }
    }
    match default {
        Some(default) => Instead::Series(defaulted(table, column, ty, &default, not_null)),
        None => sequence::serial(table, column, ty),
    }
}

/// Nullable, then the default for new rows, then the old rows in batches, then NOT NULL.
pub(crate) fn defaulted(table: &Table, column: &str, ty: &str, default: &str, not_null: bool) -> Vec<Part> {
    let (written, name) = (&table.written, quoted(column));
    let mut parts = vec![
        Part {
            suffix: "add",
            up: vec![
                format!("ALTER TABLE {written} ADD COLUMN {name} {ty}"),
                format!("ALTER TABLE {written} ALTER COLUMN {name} SET DEFAULT {default}"),
            ],
            down: vec![format!("ALTER TABLE {written} DROP COLUMN {name}")],
            ..Part::default()
        },
        Part {
            suffix: "fill",
            up: vec![format!("UPDATE {written} SET {name} = {default} WHERE {name} IS NULL")],
            backfill: true,
            ..Part::default()
        },
    ];
    if not_null {
        parts.push(Part {
            suffix: "require",
            up: not_null::set(table, column),
            down: vec![format!("ALTER TABLE {written} ALTER COLUMN {name} DROP NOT NULL")],
            ..Part::default()
        });
    }
    parts
}

/// The column alone, then each constraint on its own.
fn with_constraints(table: &Table, add: &AddColumn, column: &str, facts: &Facts) -> Instead {
    let is_split = |one: &Constraint| {
        matches!(
            one,
            Constraint::CheckConstraint(_)
                | Constraint::UniqueConstraint(_)
                | Constraint::PrimaryKeyConstraint(_)
                | Constraint::ReferencesConstraint(_)
        )
    };
    let mut statements = vec![format!("ALTER TABLE {} {}", table.written, without(add, is_split))];
    let columns = [column.to_owned()];
    for one in add.constraints().filter(is_split) {
        let more = match &one {
            Constraint::CheckConstraint(check) => {
                let name = named(check.constraint_name(), || given(&table.bare, &columns, "check"));
                later(table, &name, &format!("ADD {}", text_of(check)))
            }
            Constraint::ReferencesConstraint(key) => {
                let name = named(key.constraint_name(), || given(&table.bare, &columns, "fkey"));
                later(
                    table,
                    &name,
                    &format!(
                        "ADD CONSTRAINT {} FOREIGN KEY ({}) {}",
                        quoted(&name),
                        quoted(column),
                        references(key)
                    ),
                )
            }
            Constraint::UniqueConstraint(unique) => {
                let name = named(unique.constraint_name(), || given(&table.bare, &columns, "key"));
                Instead::Statements(by_index(table, &name, "UNIQUE", &columns, "", unique, facts))
            }
            _ => {
                return advice(
                    "a new column has no values to be a primary key; add it, fill it, then make it the key",
                );
            }
        };
        match more {
            Instead::Statements(more) => statements.extend(more),
            other => return other,
        }
    }
    Instead::Statements(statements)
}

fn named(given: Option<squawk_syntax::ast::ConstraintName>, otherwise: impl FnOnce() -> String) -> String {
    given.and_then(|name| name.name()).map_or_else(otherwise, |name| fold(&text_of(&name)))
}

/// From the word REFERENCES on: a name before it is written elsewhere.
fn references(key: &ReferencesConstraint) -> String {
    let text = text_of(key);
    let start = key.syntax().text_range().start();
    let from = key.references_token().map_or(0, |token| usize::from(token.text_range().start() - start));
    text[from..].to_owned()
}

/// The action's text without some of its constraints.
fn without(add: &AddColumn, is_out: impl Fn(&Constraint) -> bool) -> String {
    let node = add.syntax();
    let mut text = String::new();
    for element in node.children_with_tokens() {
        let is_out = element.as_node().cloned().and_then(Constraint::cast).is_some_and(|one| is_out(&one));
        if !is_out {
            text.push_str(&element.to_string());
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
