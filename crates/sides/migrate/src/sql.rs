//! A file of SQL as its single statements.

use squawk_syntax::{
    SourceFile, SyntaxKind,
    ast::{AstNode as _, Stmt},
};

use crate::concurrent::Concurrent;

/// One statement of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its text, without the semicolon and without what stands before it.
    pub text: String,
    /// The line of the file on which it starts, from 1.
    pub line: usize,
    /// Whether the parser knows it. Postgres has the last word on one that it does not.
    pub understood: bool,
    /// Set when it cannot run in a transaction.
    pub(crate) concurrent: Option<Concurrent>,
    /// Whether it may wait and work for long without standing in anyone's way.
    pub(crate) patient: bool,
    /// Whether it begins or ends a transaction of its own.
    pub(crate) transaction_control: bool,
}

/// The statements of `text`, in their order.
///
/// A file that the parser does not understand is one statement: Postgres may still know it, and runs it whole.
#[must_use]
pub fn statements(text: &str) -> Vec<Statement> {
    let file = SourceFile::parse(text);
    if !file.errors().is_empty() {
        let start = text.len() - text.trim_start().len();
        return vec![Statement {
            text: text.trim().to_owned(),
            line: line_at(text, start),
            understood: false,
            concurrent: None,
            patient: false,
            transaction_control: false,
        }];
    }
    file.tree().stmts().filter_map(|tree| statement(text, &tree)).collect()
}

fn statement(text: &str, tree: &Stmt) -> Option<Statement> {
    let node = tree.syntax();
    // A comment before a statement may belong to its node.
    let first = node
        .descendants_with_tokens()
        .filter_map(|element| element.as_token().cloned())
        .find(|token| !matches!(token.kind(), SyntaxKind::WHITESPACE | SyntaxKind::COMMENT))?;
    let (start, end) = (usize::from(first.text_range().start()), usize::from(node.text_range().end()));
    let own = text[start..end].trim().trim_end_matches(';').trim_end();
    if own.is_empty() {
        return None; // a separator alone
    }
    let concurrent = Concurrent::of(tree);
    Some(Statement {
        text: own.to_owned(),
        line: line_at(text, start),
        understood: true,
        patient: concurrent.is_some() || is_patient(tree),
        transaction_control: matches!(tree, Stmt::Begin(_) | Stmt::Commit(_) | Stmt::Rollback(_)),
        concurrent,
    })
}

/// These take no lock that readers or writers wait for, on a table or on a row.
fn is_patient(tree: &Stmt) -> bool {
    match tree {
        Stmt::Select(_) | Stmt::Analyze(_) => true,
        Stmt::AlterTable(alter) => {
            let mut actions = alter.actions().peekable();
            actions.peek().is_some()
                && actions.all(|action| {
                    matches!(action, squawk_syntax::ast::AlterTableAction::ValidateConstraint(_))
                })
        }
        _ => false,
    }
}

impl Statement {
    /// Its text on one line, short enough for a message.
    #[must_use]
    pub fn summary(&self) -> String {
        let line = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(100) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_found_wherever_semicolons_hide() {
        let text = "-- first; with a semicolon\nCREATE TABLE a (b text DEFAULT ';');\n\n\
                    CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN NULL;\nEND\n$$;\n\
                    CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;\n\
                    /* none; */\nDROP TABLE a /* ; */;\n;\n";
        let found: Vec<_> = statements(text).iter().map(|one| (one.line, one.summary())).collect();
        assert_eq!(
            found,
            [
                (2, "CREATE TABLE a (b text DEFAULT ';')".to_owned()),
                (
                    4,
                    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
                        .to_owned()
                ),
                (9, "CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END".to_owned()),
                (11, "DROP TABLE a".to_owned()),
            ]
        );
    }

    #[test]
    fn what_the_parser_does_not_know_stays_whole() {
        let found = statements("\n\nFROBNICATE a; FROBNICATE b;");
        assert_eq!((found.len(), found[0].line, found[0].understood), (1, 3, false));
        assert_eq!(found[0].text, "FROBNICATE a; FROBNICATE b;");
        assert!(statements(" -- nothing\n").is_empty());
    }

    #[test]
    fn the_chassis_migrations_are_understood() {
        for migration in crate::chassis().unwrap() {
            for text in [migration.up(), migration.down().unwrap_or_default()] {
                assert!(statements(text).iter().all(|one| one.understood), "{}", migration.name());
            }
        }
    }

    #[test]
    fn a_validation_waits_with_patience_and_other_changes_do_not() {
        let patient = |text| statements(text)[0].patient;
        assert!(patient("ALTER TABLE t VALIDATE CONSTRAINT c"));
        assert!(patient("CREATE INDEX CONCURRENTLY i ON t (a)"));
        assert!(!patient("ALTER TABLE t VALIDATE CONSTRAINT c, ADD COLUMN a int"));
        assert!(!patient("ALTER TABLE t ADD COLUMN a int"));
        // While it waits for one row, others wait for those that it has changed.
        assert!(!patient("UPDATE t SET a = 1") && !patient("INSERT INTO t VALUES (1)"));
    }
}
