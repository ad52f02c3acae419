//! Values that are added to an enum and used in the same file. Pure.

use squawk_syntax::{
    SourceFile, SyntaxKind,
    ast::{AlterType, AstNode as _, Stmt},
};

use crate::class::text_of;

/// The statements behind which a transaction must end, so that a value which one of them adds can be used by a later
/// one. A type that the same transaction made needs no end: Postgres lets its new values be used at once.
pub(super) fn commits_behind(statements: &[&str]) -> Vec<usize> {
    let (mut made, mut ends) = (Vec::new(), Vec::new());
    for (index, text) in statements.iter().enumerate() {
        match SourceFile::parse(text).tree().stmts().next() {
            Some(Stmt::CreateType(create)) => made.extend(create.path().map(|path| text_of(&path))),
            Some(Stmt::AlterType(alter)) => {
                let Some(value) = added(&alter) else { continue };
                let is_own = alter.path().is_some_and(|path| made.contains(&text_of(&path)));
                if !is_own && statements[index + 1..].iter().any(|later| may_use(later, &value)) {
                    ends.push(index);
                }
            }
            _ => {}
        }
    }
    ends
}

/// The literal behind ADD VALUE.
fn added(alter: &AlterType) -> Option<String> {
    let tokens = || alter.syntax().descendants_with_tokens().filter_map(|one| one.as_token().cloned());
    let has = |kind| tokens().any(|token| token.kind() == kind);
    if !has(SyntaxKind::ADD_KW) || !has(SyntaxKind::VALUE_KW) {
        return None;
    }
    tokens().find(|token| token.kind() == SyntaxKind::STRING).map(|token| token.text().to_owned())
}

/// Code that is run may use any value; other statements name it. The next value of the same type does not use it, but
/// may stand beside it: BEFORE and AFTER take one that is not committed.
fn may_use(text: &str, value: &str) -> bool {
    match SourceFile::parse(text).tree().stmts().next() {
        Some(Stmt::AlterType(alter)) if added(&alter).is_some() => false,
        _ => text.contains(value) || crate::check::is_opaque(text),
    }
}

#[cfg(test)]
mod tests {
    use super::commits_behind;

    const ADD: &str = "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'b' AFTER 'a'";

    #[test]
    fn a_value_is_committed_before_it_is_used() {
        let ends = |statements: &[&str]| commits_behind(statements);
        assert_eq!(ends(&[ADD, "ALTER TABLE t ALTER m SET DEFAULT 'b'"]), [0]);
        assert_eq!(ends(&["SELECT 1", ADD, "ALTER TYPE mood ADD VALUE 'c'", "UPDATE t SET m = 'c'"]), [2]);
        assert_eq!(ends(&[ADD, "DO $$ BEGIN PERFORM f(); END $$"]), [0]);
    }

    #[test]
    fn where_nothing_needs_it_the_file_stays_whole() {
        for statements in [
            &[ADD][..],
            &["UPDATE t SET m = 'a'", ADD],
            &[ADD, "CREATE TABLE other (n int)"],
            &["CREATE TYPE mood AS ENUM ('a')", ADD, "CREATE TABLE t (m mood DEFAULT 'b')"],
        ] {
            assert!(commits_behind(statements).is_empty(), "{statements:?}");
        }
    }
}
