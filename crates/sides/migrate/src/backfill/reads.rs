//! What a statement reads besides the rows that it changes. Pure.

use std::collections::BTreeSet;

use squawk_syntax::{
    SyntaxKind, SyntaxNode,
    ast::{AstNode as _, CallExpr, FromItem, RelationName, SetClause, Stmt},
};

use crate::class::{fold, text_of};

/// Functions and words whose value is one for the whole transaction, and another in each batch.
const OF_ITS_MOMENT: &[&str] = &[
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "now",
    "pg_current_snapshot",
    "pg_current_xact_id",
    "statement_timestamp",
    "transaction_timestamp",
    "txid_current",
    "txid_current_snapshot",
];

/// What decides whether a statement comes to the same when it meets some of the rows at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// Tables and views that it reads, without their schemas. Its own table only where it reads it once more.
    pub(crate) relations: BTreeSet<String>,
    /// Functions that it calls.
    pub(crate) functions: BTreeSet<String>,
    /// Those that it calls elsewhere than for the values it sets.
    pub(crate) deciding: BTreeSet<String>,
    /// A form that depends on which rows are met together, in words.
    pub(crate) form: Option<&'static str>,
    /// What its values have of the moment, in words of the statement.
    pub(crate) moment: Option<String>,
    /// Columns that it only sets where they are NULL.
    pub(crate) filled: BTreeSet<String>,
}

impl Reads {
    pub(super) fn of(statement: &SyntaxNode, set: Option<&SetClause>, condition: Option<&str>) -> Self {
        let last = |text: &str| fold(text.rsplit('.').next().unwrap_or(text));
        let items = statement.descendants().filter_map(FromItem::cast).filter_map(|item| {
            let name = item.name_ref().map(|name| text_of(&name));
            name.or_else(|| item.field_expr().map(|path| text_of(&path)))
        });
        // The first one is what it changes.
        let named = statement.descendants().filter_map(RelationName::cast).skip(1).map(|name| text_of(&name));
        let relations = items
            .chain(named)
            .map(|name| last(name.trim_start_matches("ONLY ").trim_end_matches('*').trim()));
        let called = |node: &SyntaxNode| -> BTreeSet<String> {
            let calls = node.descendants().filter_map(CallExpr::cast).filter_map(|call| call.expr());
            calls.map(|name| last(&text_of(&name))).collect()
        };
        let functions = called(statement);
        let outside_set = statement.descendants().filter_map(CallExpr::cast).filter(|call| {
            set.is_none_or(|set| !set.syntax().text_range().contains_range(call.syntax().text_range()))
        });
        let deciding: BTreeSet<String> =
            outside_set.filter_map(|call| call.expr()).map(|name| last(&text_of(&name))).collect();
        Self {
            relations: relations.collect(),
            functions,
            deciding,
            form: form(statement),
            moment: moment(statement),
            filled: condition.map(filled).unwrap_or_default(),
        }
    }
}

/// Such forms as make the result depend on which rows are met at once.
fn form(statement: &SyntaxNode) -> Option<&'static str> {
    let has = |kind: SyntaxKind| statement.descendants().any(|node| node.kind() == kind);
    if statement.children().any(|child| child.kind() == SyntaxKind::RETURNING_CLAUSE) {
        return Some("it returns rows, and each batch would return only some of them");
    }
    if has(SyntaxKind::WHERE_CURRENT_OF) {
        return Some("it changes the row at a cursor");
    }
    let changes = |node: SyntaxNode| {
        let is_it = |one| matches!(one, Stmt::Insert(_) | Stmt::Update(_) | Stmt::Delete(_) | Stmt::Merge(_));
        Stmt::cast(node).is_some_and(is_it)
    };
    if statement.descendants().skip(1).any(changes) {
        return Some("it changes rows in WITH as well, and the first batch would change them all");
    }
    if has(SyntaxKind::OVER_CLAUSE) || has(SyntaxKind::WINDOW_CLAUSE) {
        return Some("it uses a window function, whose value depends on all rows together");
    }
    if has(SyntaxKind::TABLESAMPLE_CLAUSE) {
        return Some("it samples rows at random, and each batch would get different ones");
    }
    let cuts = |kind: SyntaxKind| {
        matches!(kind, SyntaxKind::LIMIT_CLAUSE | SyntaxKind::FETCH_CLAUSE | SyntaxKind::OFFSET_CLAUSE)
    };
    let is_any = |node: SyntaxNode| {
        node.children().any(|child| cuts(child.kind()))
            && !node.children().any(|child| child.kind() == SyntaxKind::ORDER_BY_CLAUSE)
    };
    if statement.descendants().any(is_any) {
        return Some(
            "it takes arbitrary rows (LIMIT without ORDER BY), and each batch may get different ones",
        );
    }
    None
}

fn moment(statement: &SyntaxNode) -> Option<String> {
    let tokens = statement.descendants_with_tokens().filter_map(|one| one.as_token().cloned());
    tokens.filter(|token| !token.kind().is_trivia()).map(|token| token.text().to_lowercase()).find(|text| {
        OF_ITS_MOMENT.contains(&text.as_str())
            || ["'now'", "'today'", "'tomorrow'", "'yesterday'"].contains(&text.as_str())
    })
}

/// The columns of `… IS NULL AND …`.
fn filled(condition: &str) -> BTreeSet<String> {
    let words: Vec<_> = condition.split_whitespace().collect();
    let line = words.join(" ");
    let lower = line.to_lowercase();
    if lower.contains(" or ") || lower.contains("not ") {
        return BTreeSet::new();
    }
    let parts = line.split(" and ").flat_map(|part| part.split(" AND "));
    let columns = parts.filter_map(|part| {
        let part = part.trim_matches(['(', ')', ' ']);
        let cut = part.len().checked_sub(" is null".len())?;
        let (name, rest) = (part.get(..cut)?, part.get(cut..)?);
        (rest.eq_ignore_ascii_case(" is null")).then(|| fold(name.rsplit('.').next().unwrap_or(name)))
    });
    columns.collect()
}
