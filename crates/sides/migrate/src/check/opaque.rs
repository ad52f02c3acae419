//! Statements whose text does not show what they do.

use squawk_syntax::ast::Stmt;

use crate::sql::{Kind, Statement, parse, tokens};

/// Whether only the catalogue can tell what the statement changed: code is run, or the parser does not know it.
pub(crate) fn is_opaque(text: &str) -> bool {
    let file = parse(text);
    if !file.errors().is_empty() {
        return true;
    }
    file.tree().stmts().any(|tree| {
        matches!(
            tree,
            Stmt::Do(_)
                | Stmt::Call(_)
                | Stmt::Select(_)
                | Stmt::Execute(_)
                | Stmt::Explain(_)
                | Stmt::ImportForeignSchema(_)
                | Stmt::AlterExtension(_)
        )
    })
}

/// Whether it is about tables that it does not name.
pub(crate) fn reaches_all(text: &str) -> bool {
    let found = tokens(text);
    let is_publication = found.iter().take(2).any(|token| token.is("publication"));
    is_publication && found.iter().any(|token| token.is("tables"))
}

/// Whether it does something to rows, or runs code that may.
pub(crate) fn touches_rows(statement: &Statement) -> bool {
    let found = tokens(&statement.text);
    let first = |word: &str| found.first().is_some_and(|token| token.is(word));
    let changes = ["insert", "update", "delete", "merge", "with", "copy"].iter().any(|word| first(word));
    changes || is_opaque(&statement.text)
}

const CODE: [&str; 7] = ["function", "procedure", "routine", "trigger", "schema", "cast", "operator"];

/// Whether it makes or changes functions, triggers, schemas, or how calls are understood.
pub(crate) fn changes_code(statement: &Statement) -> bool {
    let is_code = |word: &String| CODE.contains(&word.as_str());
    words(&statement.text).iter().any(is_code)
}

/// Whether statements of others do more from then on, without a function of the database's own.
pub(crate) fn makes_work(statement: &Statement) -> bool {
    let is_work = |word: &String| ["rule", "policy"].contains(&word.as_str()) || word.starts_with("pg_sleep");
    words(&statement.text).iter().any(is_work)
}

/// Every word of a text, also of those in its strings and code, in lower case and as it is written.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens(text) {
        match token.kind {
            Kind::Other(_) => {}
            Kind::Name => found.push(token.text.trim_matches('"').replace("\"\"", "\"")),
            _ => found.extend(
                token
                    .text
                    .split(|one: char| !one.is_alphanumeric() && one != '_' && one != '$')
                    .filter(|word| !word.is_empty())
                    .flat_map(|word| [word.to_lowercase(), word.to_owned()]),
            ),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_unknown_words_are_opaque() {
        assert!(
            is_opaque("DO $$ BEGIN NULL; END $$") && is_opaque("SELECT f()") && is_opaque("FROBNICATE t")
        );
        assert!(is_opaque("EXPLAIN ANALYZE UPDATE t SET a = 1"));
        assert!(!is_opaque("ALTER TABLE t ADD COLUMN a int"));
    }

    #[test]
    fn words_are_found_in_code_and_quotes() {
        let found =
            words("DO $$ BEGIN EXECUTE 'UPDATE Orders SET \"Odd k\" = 1'; END $$; DROP TABLE \"Odd Name\"");
        assert!(["orders", "Odd Name", "update"].iter().all(|word| found.iter().any(|one| one == word)));
    }
}
