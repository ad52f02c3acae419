//! Postgres' lexical rules, as far as they decide where a statement ends. Pure.
//!
//! As psql splits: a semicolon ends a statement outside quotes, comments, parentheses and a body that is written
//! `BEGIN ATOMIC … END`. Strings are as with `standard_conforming_strings = on`, the default since Postgres 9.1.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword or a name without quotes.
    Word,
    /// A name in double quotes.
    Name,
    /// A string in single quotes, with its prefix.
    Text,
    /// A string in single quotes in which a backslash escapes.
    Escaped,
    /// A string in dollar quotes.
    Code,
    /// Everything else, one character each; a number is one.
    Other(char),
}

/// A token and its place in the text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) text: &'a str,
}

impl Token<'_> {
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is this keyword.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }
}

/// The tokens of a text, without spaces and comments.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut scanner = Scanner { text, at: 0 };
    std::iter::from_fn(|| scanner.next()).collect()
}

/// The tokens of each statement.
pub(crate) fn split(text: &str) -> Vec<Vec<Token<'_>>> {
    let mut statements = Vec::new();
    let mut statement: Vec<Token<'_>> = Vec::new();
    let (mut parentheses, mut begins) = (0_u32, 0_u32);
    for token in tokens(text) {
        match token.kind {
            Kind::Other(';') if parentheses == 0 && begins == 0 => {
                statements.push(std::mem::take(&mut statement));
                continue;
            }
            Kind::Other('(') => parentheses += 1,
            Kind::Other(')') => parentheses = parentheses.saturating_sub(1),
            Kind::Word if parentheses == 0 && makes_routine(&statement) => {
                if token.is("begin") || (begins > 0 && token.is("case")) {
                    begins += 1;
                } else if token.is("end") {
                    begins = begins.saturating_sub(1);
                }
            }
            _ => {}
        }
        statement.push(token);
    }
    statements.push(statement);
    statements.retain(|statement| !statement.is_empty());
    statements
}

/// `CREATE [OR REPLACE] FUNCTION | PROCEDURE`: only there has BEGIN a body behind it.
fn makes_routine(statement: &[Token<'_>]) -> bool {
    let mut words = statement.iter().take(4);
    let is_routine =
        |token: Option<&Token<'_>>| token.is_some_and(|one| one.is("function") || one.is("procedure"));
    if !words.next().is_some_and(|token| token.is("create")) {
        return false;
    }
    match words.next() {
        Some(token) if token.is("or") => {
            words.next().is_some_and(|token| token.is("replace")) && is_routine(words.next())
        }
        other => is_routine(other),
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip();
        let start = self.at;
        let rest = self.rest();
        let first = rest.chars().next()?;
        let kind = match first {
            '\'' => self.quoted(1, '\'', false, Kind::Text),
            '"' => self.quoted(1, '"', false, Kind::Name),
            '$' => self.dollar(),
            _ if starts_word(first) => self.prefixed().unwrap_or_else(|| self.word()),
            '0'..='9' => self.number(),
            _ => {
                self.at += first.len_utf8();
                Kind::Other(first)
            }
        };
        Some(Token { kind, start, text: &self.text[start..self.at] })
    }

    /// Spaces and comments; those in `/* */` may stand in each other.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let spaces = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']).len();
            self.at += spaces;
            let rest = self.rest();
            if rest.starts_with("--") {
                self.at += rest.find(['\n', '\r']).unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.at += comment(rest);
            } else if self.is_key_of_a_dump() {
                self.at += rest.find(['\n', '\r']).unwrap_or(rest.len());
            } else if spaces == 0 {
                return;
            }
        }
    }

    /// `\restrict` and `\unrestrict`, with which pg_dump keeps psql from obeying anything in the dump: on a line of
    /// their own they say nothing to the server.
    fn is_key_of_a_dump(&self) -> bool {
        let begins_a_line = self.at == 0 || self.text[..self.at].ends_with(['\n', '\r', '\u{feff}']);
        let word = self.rest().split([' ', '\t', '\n', '\r']).next();
        begins_a_line && matches!(word, Some("\\restrict" | "\\unrestrict"))
    }

    fn prefixed(&mut self) -> Option<Kind> {
        let rest = self.rest().as_bytes();
        let second = rest.get(1).copied()?;
        match rest[0].to_ascii_lowercase() {
            b'e' if second == b'\'' => Some(self.quoted(2, '\'', true, Kind::Escaped)),
            b'b' | b'x' | b'n' if second == b'\'' => Some(self.quoted(2, '\'', false, Kind::Text)),
            b'u' if second == b'&' => match rest.get(2) {
                Some(b'\'') => Some(self.quoted(3, '\'', false, Kind::Text)),
                Some(b'"') => Some(self.quoted(3, '"', false, Kind::Name)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Up to the closing quote, or to the end where there is none. A doubled quote is one of the string.
    fn quoted(&mut self, open: usize, quote: char, escapes: bool, kind: Kind) -> Kind {
        self.at += open;
        let mut characters = self.rest().char_indices().peekable();
        while let Some((place, character)) = characters.next() {
            if escapes && character == '\\' {
                characters.next();
            } else if character == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
                self.at += place + quote.len_utf8();
                return kind;
            }
        }
        self.at = self.text.len();
        kind
    }

    fn dollar(&mut self) -> Kind {
        let rest = self.rest();
        let inside = &rest[1..];
        let tag = inside.find(|one| !continues_word(one) || one == '$').unwrap_or(inside.len());
        let is_tag = inside[tag..].starts_with('$') && !inside.starts_with(|one: char| one.is_ascii_digit());
        if !is_tag {
            self.at += 1;
            return Kind::Other('$');
        }
        let quote = &rest[..tag + 2];
        let body = &rest[quote.len()..];
        self.at += body.find(quote).map_or(rest.len(), |end| 2 * quote.len() + end);
        Kind::Code
    }

    fn word(&mut self) -> Kind {
        let rest = self.rest();
        self.at += rest.find(|one| !continues_word(one)).unwrap_or(rest.len());
        Kind::Word
    }

    fn number(&mut self) -> Kind {
        let rest = self.rest();
        self.at += rest.find(|one: char| !one.is_ascii_alphanumeric() && one != '_').unwrap_or(rest.len());
        Kind::Other('0')
    }
}

/// The length of a comment that may hold others.
fn comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_u32, 0);
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}

fn starts_word(one: char) -> bool {
    one.is_ascii_alphabetic() || one == '_' || !one.is_ascii()
}

fn continues_word(one: char) -> bool {
    starts_word(one) || one.is_ascii_digit() || one == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        split(text).iter().map(|one| &text[one[0].start..one[one.len() - 1].end()]).collect()
    }

    #[test]
    fn quotes_are_those_of_postgres() {
        for whole in [
            r"SELECT E'the customer\'s; own', e'a\\'",
            r"SELECT E'\\\';'",
            r"SELECT E'it''s;\\'",
            r"SELECT 'a\' || ';'",
            r"SELECT U&'d\0061t;a' UESCAPE '!'",
        ] {
            assert_eq!(texts(&format!("{whole}; SELECT 2"))[0], whole);
        }
        assert_eq!(texts(r"SELECT 'a\'; SELECT 'b'"), [r"SELECT 'a\'", "SELECT 'b'"]);
        assert_eq!(texts("SELECT U&\"a;b\", \"c;\"\"d\"; SELECT 2").len(), 2);
        assert_eq!(texts("SELECT $a$ $b$ ; $a $a$, $$;$$, $fn$ffn;$fn$; SELECT $1").len(), 2);
        assert_eq!(texts("SELECT a$b$c; SELECT a$b$").len(), 2);
        assert_eq!(texts("SELECT $ä$;$ä$; SELECT 2").len(), 2);
        assert_eq!(texts("SELECT type'a;', name e'\\';'; SELECT 1").len(), 2);
    }

    #[test]
    fn comments_may_stand_in_comments() {
        assert_eq!(texts("/* a /* b; */ ; */ SELECT 1 /* ; */; -- ; '\nSELECT 2"), ["SELECT 1", "SELECT 2"]);
        assert_eq!(texts("SELECT 1 --;\r SELECT 2; SELECT '--'; SELECT 3").len(), 2 + 1);
    }

    #[test]
    fn bodies_and_rules_stay_whole() {
        let text =
            "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;
            CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); BEGIN; SELECT 3";
        assert_eq!(texts(text).len(), 4);
    }

    #[test]
    fn the_key_of_a_dump_is_passed_over() {
        let text = "-- dump\n\\restrict aB3\nSELECT 1;\nSELECT '\n\\restrict x\n';\n\\unrestrict aB3\n";
        assert_eq!(texts(text), ["SELECT 1", "SELECT '\n\\restrict x\n'"]);
        assert_eq!(texts("\\restrict x"), Vec::<&str>::new());
        assert_eq!(texts("SELECT 1 \\restrict x").len(), 1);
    }

    #[test]
    fn what_is_never_closed_goes_to_the_end() {
        for text in ["SELECT 'a; b", "SELECT $x$ ; $y$", "SELECT E'\\", "SELECT \"a; ", "SELECT 1 /* ;"] {
            assert_eq!(texts(text).len(), 1, "{text}");
        }
    }
}
