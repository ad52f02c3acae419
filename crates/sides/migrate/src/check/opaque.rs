//! Statements whose text does not say what they do.

use squawk_syntax::{SourceFile, ast::Stmt};

/// Whether only the catalogue can tell what the statement changed: code is run, or the parser does not know it.
pub(crate) fn is_opaque(text: &str) -> bool {
    let file = SourceFile::parse(text);
    if !file.errors().is_empty() {
        return true;
    }
    file.tree().stmts().any(|tree| {
        matches!(
            tree,
            Stmt::Do(_) | Stmt::Call(_) | Stmt::Select(_) | Stmt::Execute(_) | Stmt::ImportForeignSchema(_)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::is_opaque;

    #[test]
    fn code_and_unknown_words_are_opaque() {
        assert!(
            is_opaque("DO $$ BEGIN NULL; END $$") && is_opaque("SELECT f()") && is_opaque("FROBNICATE t")
        );
        assert!(!is_opaque("ALTER TABLE t ADD COLUMN a int"));
    }
}
