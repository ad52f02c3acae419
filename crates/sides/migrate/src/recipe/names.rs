//! The names that Postgres would give, and names for what only lives during a recipe.

use squawk_syntax::ast::{AstNode, Column, ColumnList, NameRef};

use crate::class::text_of;

const LONGEST: usize = 63;

/// A table as it is written, and its bare name.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) written: String,
    pub(crate) bare: String,
    pub(crate) key: String,
}

impl Table {
    pub(crate) fn of(name: Option<squawk_syntax::ast::RelationName>) -> Self {
        let key = crate::class::relation(name.clone());
        let written = name.map(|name| text_of(&name)).unwrap_or_default();
        let bare = key.rsplit('.').next().unwrap_or_default().to_owned();
        Self { written, bare, key }
    }

    /// A name in the table's schema, as it must be written.
    pub(crate) fn beside(&self, name: &str) -> String {
        match self.written.rsplit_once('.') {
            Some((schema, _)) => format!("{schema}.{}", quoted(name)),
            None => quoted(name),
        }
    }
}

/// `table_columns_suffix`, as Postgres names what has no name, not longer than it allows.
pub(crate) fn given(table: &str, columns: &[String], suffix: &str) -> String {
    let columns = columns.join("_");
    let room = LONGEST.saturating_sub(suffix.len() + 1 + usize::from(!columns.is_empty()));
    let (mut first, mut second) = (table.len(), columns.len());
    // Postgres shortens the longer of the two.
    while first + second > room {
        if first > second { first -= 1 } else { second -= 1 }
    }
    let mut parts = vec![cut(table, first)];
    parts.extend((!columns.is_empty()).then(|| cut(&columns, second)));
    parts.push(suffix);
    parts.join("_")
}

fn cut(text: &str, length: usize) -> &str {
    let end = (0..=length.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}

/// A name as it must be written.
pub(crate) fn quoted(name: &str) -> String {
    let plain = name.chars().next().is_some_and(|first| first.is_ascii_lowercase() || first == '_')
        && name.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_');
    let word = name.to_uppercase();
    if plain && !RESERVED.contains(&word.as_str()) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// Those that Postgres refuses as a name and that people use.
const RESERVED: &[&str] = &[
    "ALL",
    "ANALYSE",
    "ANALYZE",
    "AND",
    "ANY",
    "ARRAY",
    "AS",
    "ASC",
    "BOTH",
    "CASE",
    "CAST",
    "CHECK",
    "COLLATE",
    "COLUMN",
    "CONSTRAINT",
    "CREATE",
    "DEFAULT",
    "DEFERRABLE",
    "DESC",
    "DISTINCT",
    "DO",
    "ELSE",
    "END",
    "EXCEPT",
    "FALSE",
    "FETCH",
    "FOR",
    "FOREIGN",
    "FROM",
    "GRANT",
    "GROUP",
    "HAVING",
    "IN",
    "INITIALLY",
    "INTERSECT",
    "INTO",
    "LATERAL",
    "LEADING",
    "LIMIT",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "ONLY",
    "OR",
    "ORDER",
    "PLACING",
    "PRIMARY",
    "REFERENCES",
    "RETURNING",
    "SELECT",
    "SOME",
    "SYMMETRIC",
    "TABLE",
    "THEN",
    "TO",
    "TRAILING",
    "TRUE",
    "UNION",
    "UNIQUE",
    "USER",
    "USING",
    "VARIADIC",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
];

/// The columns of a list, folded.
pub(crate) fn columns(list: Option<ColumnList>) -> Vec<String> {
    list.into_iter().flat_map(|list| list.columns()).map(|column| column_name(&column)).collect()
}

fn column_name(column: &Column) -> String {
    crate::class::fold(&text_of(column))
}

/// The first list of columns directly in a node.
pub(crate) fn first_list(node: &impl AstNode) -> Option<ColumnList> {
    node.syntax().children().find_map(ColumnList::cast)
}

/// The only column that an expression names, as Postgres names a CHECK after it.
pub(crate) fn only_column(node: &impl AstNode) -> Vec<String> {
    let is_called = |name: &NameRef| {
        name.syntax().parent().is_some_and(|parent| parent.kind() == squawk_syntax::SyntaxKind::CALL_EXPR)
    };
    let mut names: Vec<String> = node
        .syntax()
        .descendants()
        .filter_map(NameRef::cast)
        .filter(|name| !is_called(name))
        .map(|name| crate::class::fold(&text_of(&name)))
        .collect();
    names.sort();
    names.dedup();
    if names.len() == 1 { names } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_long_as_postgres_allows() {
        assert_eq!(given("orders", &["a".to_owned(), "b".to_owned()], "key"), "orders_a_b_key");
        assert_eq!(given("orders", &[], "pkey"), "orders_pkey");
        let long = given(&"t".repeat(50), &["c".repeat(40)], "check");
        assert_eq!((long.len(), &long[27..31]), (63, "t_cc"));
    }

    #[test]
    fn only_what_needs_quotes_has_them() {
        assert_eq!(["a_1", "Name", "order", "1a"].map(quoted), ["a_1", "\"Name\"", "\"order\"", "\"1a\""]);
    }
}
