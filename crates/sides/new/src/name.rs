//! Names: one spelling for the file, the job's kind, the process and the table, and another one for the type.

use crate::NewError;

/// Words and crates of Rust's own, and folders that cargo writes beside its programs.
const RESERVED: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield", "test", "core", "std", "alloc", "build", "deps", "examples", "main", "lib",
];

/// A name in lowercase letters, digits and underscores, such as `send_report`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Takes a name; hyphens become underscores.
    ///
    /// # Errors
    /// When it is not a name, or Rust or cargo reserves it.
    pub fn read(text: &str) -> Result<Self, NewError> {
        let name = text.replace('-', "_");
        let fault = |why| Err(NewError::Name { name: text.to_owned(), why });
        let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(is_letter) {
            return fault(
                "use lowercase letters, digits and underscores, starting with a letter, such as send_report",
            );
        }
        if name.len() > 40 || name.ends_with('_') || name.contains("__") {
            return fault("use at most 40 characters, with single underscores between words");
        }
        if RESERVED.contains(&name.as_str()) {
            return fault("it is reserved by Rust or cargo; choose another one");
        }
        Ok(Self(name))
    }

    /// `send_report`
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `SendReport`, the type.
    #[must_use]
    pub fn as_type(&self) -> String {
        let word = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        self.0.split('_').map(word).collect()
    }

    /// `Send report`, for people.
    #[must_use]
    pub fn as_title(&self) -> String {
        let words = self.0.replace('_', " ");
        words[..1].to_ascii_uppercase() + &words[1..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_has_three_spellings() {
        let name = Name::read("send-report_2").unwrap();
        assert_eq!(name.as_str(), "send_report_2");
        assert_eq!(name.as_type(), "SendReport2");
        assert_eq!(name.as_title(), "Send report 2");
    }

    #[test]
    fn what_is_no_name_is_refused_with_an_example() {
        let reserved = ["match", "std", "build"];
        let others = ["", "Send", "2nd", "a b", "../up", "_a", "a__b", "a_", "ärger", &"a".repeat(41)];
        for text in reserved.iter().chain(&others) {
            let error = Name::read(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{text:?} is not a valid name: ")), "{error}");
        }
    }
}
