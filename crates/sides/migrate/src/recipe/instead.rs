//! Finds a sequence of statements that gives the same catalogue as a refused one, unnoticed.

use squawk_syntax::{
    SyntaxKind,
    ast::{AstNode as _, Stmt},
};

use super::{alter_table, constraint, index, materialized, rows};
use crate::class::{Facts, text_of};

/// What to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// These, in the same file and each in a transaction of its own.
    Statements(Vec<String>),
    /// The same statement, as a migration of its own that runs in batches.
    Batches(String),
    /// A series of migrations; between them other releases may come.
    Series(Vec<Part>),
    /// No text can be written for it; what a person can do.
    Advice(String),
}

/// One migration of a series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Behind the name of the migration.
    pub suffix: &'static str,
    /// Its statements.
    pub up: Vec<String>,
    /// What takes them back.
    pub down: Vec<String>,
    /// Whether it runs in batches.
    pub backfill: bool,
    /// Whether its statements are one transaction.
    pub in_transaction: bool,
    /// Why a statement of it that would be refused may run all the same.
    pub accept: Option<&'static str>,
    /// Why it may run beside the code, though its statements say that something is taken away.
    pub expands: Option<&'static str>,
}

/// What to write instead of the refused statement `text`.
#[must_use]
pub fn instead(text: &str, facts: &Facts) -> Instead {
    let file = crate::sql::parse(text);
    let found = file.tree().stmts().next();
    let Some(statement) = found.filter(|_| file.errors().is_empty()) else {
        return Instead::Advice(
            "the parser does not understand it; say in metadata.toml why it may run".to_owned(),
        );
    };
    match &statement {
        Stmt::AlterTable(alter) => alter_table::alter_table(alter, facts),
        Stmt::CreateIndex(create) => index::create(create, facts),
        Stmt::DropIndex(drop) => index::drop(drop),
        Stmt::Reindex(_) => Instead::Statements(vec![concurrently_behind(
            &statement,
            SyntaxKind::INDEX_KW,
            SyntaxKind::TABLE_KW,
        )]),
        Stmt::Refresh(refresh) => materialized::refresh(refresh, facts),
        Stmt::AlterDomain(alter) => constraint::domain(alter),
        Stmt::Update(_) | Stmt::Delete(_) => rows::batches(text_of(&statement).trim_end_matches(';')),
        Stmt::Truncate(truncate) => rows::truncate(truncate),
        Stmt::Cluster(_) | Stmt::Vacuum(_) => advice(
            "no form of it lets others work; rebuild the table with pg_repack, or let autovacuum do its work",
        ),
        Stmt::AlterType(_) => advice(
            "add the new value, let new code write it, move the rows in batches; the old value stays in the type",
        ),
        Stmt::AlterSchema(_) => {
            advice("create the new schema, and move one table after the other behind a view")
        }
        _ => advice(
            "drop or change each object by its own name, each in its own migration, when no code needs it",
        ),
    }
}

pub(crate) fn advice(text: &str) -> Instead {
    Instead::Advice(text.to_owned())
}

/// The statement with CONCURRENTLY behind the first of these keywords.
fn concurrently_behind(statement: &Stmt, one: SyntaxKind, other: SyntaxKind) -> String {
    let text = statement.syntax().text().to_string();
    let start = statement.syntax().text_range().start();
    let keyword = statement
        .syntax()
        .descendants_with_tokens()
        .filter_map(|element| element.as_token().cloned())
        .find(|token| token.kind() == one || token.kind() == other);
    let Some(keyword) = keyword else { return text };
    let end = usize::from(keyword.text_range().end() - start);
    format!("{} CONCURRENTLY{}", &text[..end], &text[end..])
}
