//! Constraints in two steps: first for what is written from now on, then for what is there.

use squawk_syntax::ast::{
    AddConstraint, AlterDomain, AlterDomainAction, AstNode, Constraint, ConstraintName, PrimaryKeyConstraint,
    UniqueConstraint,
};

use super::{
    Instead,
    instead::advice,
    names::{Table, columns, first_list, given, only_column, quoted},
    not_null,
    partitioned::{self, Shape},
};
use crate::class::{Facts, fold, text_of};

pub(crate) fn add(table: &Table, add: &AddConstraint, facts: &Facts) -> Instead {
    match add.constraint() {
        Some(Constraint::CheckConstraint(check)) => {
            let name = name(check.constraint_name(), || given(&table.bare, &only_column(&check), "check"));
            later(table, &name, &text_of(add))
        }
        Some(Constraint::ForeignKeyConstraint(key)) => {
            let name = name(key.constraint_name(), || given(&table.bare, &columns(first_list(&key)), "fkey"));
            later(table, &name, &text_of(add))
        }
        Some(Constraint::UniqueConstraint(unique)) => {
            Instead::Statements(self::unique(table, &unique, add, facts))
        }
        Some(Constraint::PrimaryKeyConstraint(key)) => {
            Instead::Statements(primary_key(table, &key, add, facts))
        }
        _ => advice(
            "no form of an EXCLUDE constraint lets others write; create a new table with it, and copy in batches",
        ),
    }
}

/// `text` is the action with ADD, with or without the constraint's name.
pub(crate) fn later(table: &Table, name: &str, text: &str) -> Instead {
    let named = if text.to_uppercase().starts_with("ADD CONSTRAINT") {
        text.to_owned()
    } else {
        format!("ADD CONSTRAINT {} {}", quoted(name), text[3..].trim_start())
    };
    Instead::Statements(vec![
        format!("ALTER TABLE {} {named} NOT VALID", table.written),
        format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", table.written, quoted(name)),
    ])
}

fn name(given: Option<ConstraintName>, otherwise: impl FnOnce() -> String) -> String {
    let given = given.and_then(|name| name.name()).map(|name| fold(&text_of(&name)));
    given.unwrap_or_else(otherwise)
}

fn unique(table: &Table, unique: &UniqueConstraint, add: &AddConstraint, facts: &Facts) -> Vec<String> {
    let columns = columns(unique.column_list().or_else(|| first_list(unique)));
    let named_after = named_after(&columns, &included(unique));
    let name = name(unique.constraint_name(), || given(&table.bare, &named_after, "key"));
    let nulls = if unique.nulls_not_distinct().is_some() { " NULLS NOT DISTINCT" } else { "" };
    by_index(table, &name, "UNIQUE", &columns, &format!("{}{nulls}", included(unique)), add, facts)
}

fn primary_key(table: &Table, key: &PrimaryKeyConstraint, add: &AddConstraint, facts: &Facts) -> Vec<String> {
    let columns = columns(key.column_list().or_else(|| first_list(key)));
    let columns = if columns.is_empty() { listed(key) } else { columns };
    let name = name(key.constraint_name(), || given(&table.bare, &[], "pkey"));
    let nullable = columns
        .iter()
        .filter(|column| !facts.column(&table.key, column).is_some_and(|known| known.never_null));
    // Else the last step would read the table for NULLs.
    let mut statements: Vec<String> = nullable.flat_map(|column| not_null::set(table, column)).collect();
    statements.extend(by_index(table, &name, "PRIMARY KEY", &columns, &included(key), add, facts));
    statements
}

/// The columns where the parser gives no list of its own.
fn listed(node: &impl AstNode) -> Vec<String> {
    let text = text_of(node);
    let inside =
        text.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(inside, _)| inside.to_owned());
    inside.unwrap_or_default().split(',').map(fold).filter(|name| !name.is_empty()).collect()
}

fn included(node: &impl AstNode) -> String {
    let clause = node
        .syntax()
        .children()
        .find(|child| child.kind() == squawk_syntax::SyntaxKind::CONSTRAINT_INCLUDE_CLAUSE);
    clause.map(|clause| format!(" {}", clause.text().to_string().trim())).unwrap_or_default()
}

/// The columns that Postgres names an index after: those that it includes, too.
fn named_after(columns: &[String], behind: &str) -> Vec<String> {
    let included = behind.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let included = included.map(|(inside, _)| inside.split(',').map(fold).collect()).unwrap_or_default();
    [columns.to_vec(), included].concat()
}

pub(crate) fn by_index(
    table: &Table,
    name: &str,
    kind: &str,
    columns: &[String],
    behind: &str,
    options: &impl AstNode,
    facts: &Facts,
) -> Vec<String> {
    let named_after = named_after(columns, behind);
    let columns: Vec<_> = columns.iter().map(|column| quoted(column)).collect();
    let columns = columns.join(", ");
    let upper = text_of(options).to_uppercase();
    let deferred = match () {
        () if upper.contains("INITIALLY DEFERRED") => " DEFERRABLE INITIALLY DEFERRED",
        () if upper.contains("NOT DEFERRABLE") => "",
        () if upper.contains("DEFERRABLE") => " DEFERRABLE",
        () => "",
    };
    if let Some(partitions) = facts.partitions.get(&table.key) {
        let (nulls, included) = match behind.strip_suffix(" NULLS NOT DISTINCT") {
            Some(included) => ("NULLS NOT DISTINCT ", included),
            None => ("", behind),
        };
        let shape =
            Shape { unique: "UNIQUE ", behind: &format!(" ({columns}){behind}"), columns: &named_after };
        let added = format!("{nulls}({columns}){included}{deferred}");
        return partitioned::constraint(table, name, kind, &added, &shape, partitions);
    }
    let name = quoted(name);
    vec![
        format!("CREATE UNIQUE INDEX CONCURRENTLY {name} ON {} ({columns}){behind}", table.written),
        format!("ALTER TABLE {} ADD CONSTRAINT {name} {kind} USING INDEX {name}{deferred}", table.written),
    ]
}

pub(crate) fn domain(alter: &AlterDomain) -> Instead {
    let domain = alter.path().map(|path| text_of(&path)).unwrap_or_default();
    let Some(AlterDomainAction::AddConstraint(add)) = alter.action() else {
        return advice("give the domain a CHECK (VALUE IS NOT NULL) NOT VALID, and validate it");
    };
    let bare = fold(domain.rsplit('.').next().unwrap_or_default());
    let given_name = match add.constraint() {
        Some(Constraint::CheckConstraint(check)) => check.constraint_name(),
        _ => None,
    };
    let name = name(given_name, || given(&bare, &[], "check"));
    let text = text_of(&add);
    let named = if text.to_uppercase().starts_with("ADD CONSTRAINT") {
        text
    } else {
        format!("ADD CONSTRAINT {} {}", quoted(&name), text[3..].trim_start())
    };
    Instead::Statements(vec![
        format!("ALTER DOMAIN {domain} {named} NOT VALID"),
        format!("ALTER DOMAIN {domain} VALIDATE CONSTRAINT {}", quoted(&name)),
    ])
}
