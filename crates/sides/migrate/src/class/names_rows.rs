//! Conditions that name rows by their key. Pure.

use std::collections::BTreeSet;

use super::fold;
use crate::sql::{Kind, Token, tokens};

/// More than so many values are many rows.
const MANY: usize = 20;

/// Whether a condition is `key = value` or `key IN (value, …)`, so that it meets few rows however many there are.
pub(crate) fn names_rows(condition: &str, keys: &BTreeSet<String>) -> bool {
    let found = tokens(condition);
    // A table's name may stand before it.
    let column = match found.as_slice() {
        [_, dot, column, ..] if dot.kind == Kind::Other('.') => (column, &found[3..]),
        [column, ..] => (column, &found[1..]),
        [] => return false,
    };
    let (name, rest) = column;
    if !keys.contains(&fold(name.text)) {
        return false;
    }
    match rest {
        [equals, values @ ..] if equals.kind == Kind::Other('=') => are_values(values),
        [word, open, values @ .., close] if word.is("in") => {
            open.kind == Kind::Other('(') && close.kind == Kind::Other(')') && are_values(values)
        }
        _ => false,
    }
}

/// Values with commas between them: numbers, texts, with signs and types.
fn are_values(tokens: &[Token<'_>]) -> bool {
    let is_value = |token: &Token<'_>| {
        let is_number = token.text.starts_with(|first: char| first.is_ascii_digit());
        is_number || matches!(token.kind, Kind::Text | Kind::Escaped | Kind::Other(',' | '-'))
    };
    !tokens.is_empty() && tokens.len() < 2 * MANY && tokens.iter().all(is_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_named_by_values_of_a_key() {
        let keys = BTreeSet::from(["id".to_owned(), "Code".to_owned()]);
        for few in ["id = 7", "t.id = -7", "ID IN (1, 2, 3)", "\"Code\" = 'a''b'"] {
            assert!(names_rows(few, &keys), "{few}");
        }
        for any in
            ["", "other = 7", "id > 7", "id = 7 OR true", "id = other", "id IN (SELECT 1)", "id = f(1)", "id"]
        {
            assert!(!names_rows(any, &keys), "{any}");
        }
    }
}
