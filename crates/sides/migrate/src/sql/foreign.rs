//! What psql understands and the server does not: a migration is sent to the server.

use std::fmt;

use super::scan::{Kind, Token};

/// Text that is meant for psql.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// `\connect`, `\set`, …
    Command,
    /// `COPY … FROM STDIN`, whose rows follow in the file.
    Rows,
}

impl Foreign {
    pub(crate) fn of(tokens: &[Token<'_>]) -> Option<Self> {
        if tokens.iter().any(|token| token.kind == Kind::Other('\\')) {
            return Some(Self::Command);
        }
        let is_copy = tokens[0].is("copy");
        let reads = tokens.windows(2).any(|pair| pair[0].is("from") && pair[1].is("stdin"));
        (is_copy && reads).then_some(Self::Rows)
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Command => {
                "a line that begins with a backslash is a command of psql, which the server does not know; remove it \
                 (pg_dump --create writes \\connect)"
            }
            Self::Rows => {
                "COPY … FROM STDIN reads rows from psql, which is not there; write INSERT, or dump with \
                 pg_dump --inserts"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::sql::statements;

    #[test]
    fn commands_of_psql_and_rows_are_seen_where_they_stand() {
        let foreign = |text: &str| statements(text).last().and_then(|one| one.foreign);
        assert_eq!(foreign("\\set abc\nCREATE TABLE t (a int);"), Some(super::Foreign::Command));
        assert_eq!(foreign("\\restrict abc\nCREATE TABLE t (a int);\n\\unrestrict abc\n"), None);
        assert_eq!(foreign("CREATE TABLE t (a int);\n\\connect other\n"), Some(super::Foreign::Command));
        assert_eq!(foreign("COPY t (a) FROM stdin;\n1\n\\.\n"), Some(super::Foreign::Rows));
        for ours in
            ["SELECT '\\x'", "SELECT E'\\\\'", "COPY t FROM '/tmp/x'", "SELECT $$\\d$$", "SELECT 1 -- \\d"]
        {
            assert_eq!(foreign(ours), None, "{ours}");
        }
    }
}
