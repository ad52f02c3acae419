//! Splits a file of SQL into statements.

mod foreign;
mod scan;

use squawk_syntax::{
    SourceFile,
    ast::{AstNode as _, Stmt},
};

use crate::concurrent::Concurrent;

pub(crate) use foreign::Foreign;
pub(crate) use scan::{Kind, Token, tokens};

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
    /// Set when it is meant for psql and not for the server.
    pub(crate) foreign: Option<Foreign>,
}

/// The statements of `text`, in their order, split by Postgres' own lexical rules.
#[must_use]
pub fn statements(text: &str) -> Vec<Statement> {
    // Editors of other systems put a byte order mark before the first word.
    let start = text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len();
    let mut found = Vec::new();
    for tokens in scan::split(&text[start..]) {
        let (first, last) = (tokens[0].start + start, tokens[tokens.len() - 1].end() + start);
        let statement = statement(&text[first..last], line_at(text, first), &tokens);
        let is_foreign = statement.foreign.is_some();
        found.push(statement);
        if is_foreign {
            break; // what follows may be data
        }
    }
    found
}

/// Parses one statement. The parser does not know that a backslash escapes a quote, so it reads the same string
/// with the quote doubled.
pub(crate) fn parse(text: &str) -> squawk_syntax::Parse<SourceFile> {
    let escaped = tokens(text).into_iter().filter(|token| token.kind == Kind::Escaped);
    let mut plain: Option<String> = None;
    for token in escaped.filter(|token| token.text.contains("\\'")) {
        let own = plain.get_or_insert_with(|| text.to_owned());
        own.replace_range(token.start..token.end(), &doubled(token.text));
    }
    SourceFile::parse(plain.as_deref().unwrap_or(text))
}

/// The same string, of the same length: `\'` as `''`.
fn doubled(literal: &str) -> String {
    let mut found = String::with_capacity(literal.len());
    let mut characters = literal.chars();
    while let Some(one) = characters.next() {
        match (one, characters.clone().next()) {
            ('\\', Some('\'')) => {
                found.push_str("''");
                characters.next();
            }
            ('\\', Some(next)) => {
                found.extend([one, next]);
                characters.next();
            }
            _ => found.push(one),
        }
    }
    found
}

fn statement(text: &str, line: usize, tokens: &[Token<'_>]) -> Statement {
    let file = parse(text);
    let tree = file.tree().stmts().find(|tree| !tree.syntax().text().is_empty());
    let tree = tree.filter(|_| file.errors().is_empty());
    let concurrent = tree.as_ref().and_then(Concurrent::of);
    Statement {
        text: text.to_owned(),
        line,
        understood: tree.is_some(),
        patient: concurrent.is_some() || tree.as_ref().is_some_and(is_patient),
        transaction_control: is_transaction_control(tokens),
        concurrent,
        foreign: Foreign::of(tokens),
    }
}

/// `ROLLBACK TO` a savepoint stays within the runner's transaction.
fn is_transaction_control(tokens: &[Token<'_>]) -> bool {
    let first = |keywords: &[&str]| keywords.iter().any(|keyword| tokens[0].is(keyword));
    let second = |keyword: &str| tokens.get(1).is_some_and(|token| token.is(keyword));
    first(&["begin", "commit", "end", "abort"])
        || (first(&["start", "prepare"]) && second("transaction"))
        || (first(&["rollback"]) && !tokens.iter().any(|token| token.is("to")))
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
    fn what_the_parser_does_not_know_is_split_all_the_same() {
        let found = statements("\n\nFROBNICATE a; ALTER TABLE t ADD COLUMN b int;");
        let seen: Vec<_> = found.iter().map(|one| (one.line, one.understood, one.text.as_str())).collect();
        assert_eq!(seen, [(3, false, "FROBNICATE a"), (3, true, "ALTER TABLE t ADD COLUMN b int")]);
        assert!(statements(" -- nothing\n").is_empty());
    }

    #[test]
    fn a_quote_behind_a_backslash_hides_nothing() {
        let text =
            r"COMMENT ON COLUMN t.a IS E'the customer\'s own number'; UPDATE t SET a = E'\\'; DROP TABLE t";
        let found = statements(text);
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|one| one.understood), "{found:?}");
        assert!(found[0].text.ends_with(r"E'the customer\'s own number'"), "what runs is what is written");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_statement() {
        let found = statements("\u{feff}CREATE TABLE t (a int)");
        assert!(found[0].understood && found[0].text.starts_with("CREATE"), "{found:?}");
    }

    #[test]
    fn transactions_are_the_runners() {
        let is = |text: &str| statements(text)[0].transaction_control;
        assert!(is("BEGIN") && is("end work") && is("ROLLBACK") && is("START TRANSACTION") && is("ABORT"));
        assert!(!is("ROLLBACK TO SAVEPOINT a") && !is("SAVEPOINT a") && !is("PREPARE a AS SELECT 1"));
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
