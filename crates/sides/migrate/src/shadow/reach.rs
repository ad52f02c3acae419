//! Statements with effects beyond their database. Pure.

use crate::sql::{Kind, Token, tokens};

/// How far a statement reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Its own database.
    Database,
    /// Roles, databases, settings: what all databases of the server share.
    Server,
    /// Another server, a program or file, or the sessions of others.
    Elsewhere,
}

const SERVER: &[&str] = &["role", "user", "group", "database", "tablespace", "system"];
const ELSEWHERE: &[&str] = &[
    "dblink",
    "dblink_connect",
    "dblink_connect_u",
    "dblink_exec",
    "dblink_send_query",
    "pg_terminate_backend",
    "pg_cancel_backend",
    "lo_import",
    "lo_export",
    "pg_file_write",
];
const SIGNALS: &[&str] = &[
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_promote",
    "pg_switch_wal",
    "pg_create_physical_replication_slot",
    "pg_create_logical_replication_slot",
    "pg_drop_replication_slot",
];

/// How far a statement reaches, also through code that it runs or brings.
pub(crate) fn reach(text: &str) -> Reach {
    let found = tokens(text);
    let own = (0..found.len()).map(|place| reach_at(&found, place)).max().unwrap_or(Reach::Database);
    let inside = found.iter().filter_map(code).map(|code| reach(&code)).max().unwrap_or(Reach::Database);
    own.max(inside)
}

fn reach_at(all: &[Token<'_>], place: usize) -> Reach {
    let (before, rest) = all.split_at(place);
    let is = |place: usize, words: &[&str]| {
        rest.get(place).is_some_and(|token| words.iter().any(|word| token.is(word)))
    };
    let changes = is(0, &["create", "alter", "drop"]);
    if changes && is(1, &["subscription"]) {
        return Reach::Elsewhere;
    }
    let outside = rest.get(1).is_some_and(|token| token.is("program") || is_file(token));
    if (is(0, &["to", "from"]) && outside && is_copy(before))
        || is(0, ELSEWHERE)
        || (is(0, &["import"]) && is(1, &["foreign"]))
    {
        return Reach::Elsewhere;
    }
    let is_mapping = is(1, &["user"]) && is(2, &["mapping"]);
    if (changes && is(1, SERVER) && !is_mapping) || (is(0, &["reassign", "drop"]) && is(1, &["owned"])) {
        return Reach::Server;
    }
    if is(0, SIGNALS) || (is(0, &["grant", "revoke"]) && !names_an_object(rest)) {
        return Reach::Server;
    }
    if is(0, &["on"]) && is(1, &["database", "tablespace", "parameter"]) {
        return Reach::Server; // rights
    }
    Reach::Database
}

/// A file of the server's machine: on the scratch server's, it is another one.
fn is_file(token: &Token<'_>) -> bool {
    matches!(token.kind, Kind::Text | Kind::Escaped) && token.text != "'/dev/null'"
}

/// Whether these tokens end within a COPY, at its beginning or that of a statement of code.
fn is_copy(before: &[Token<'_>]) -> bool {
    let begins = |place: usize| match place.checked_sub(1).and_then(|last| before.get(last)) {
        None => true,
        Some(last) => {
            last.kind == Kind::Other(';')
                || ["begin", "then", "else", "loop"].iter().any(|word| last.is(word))
        }
    };
    let last = before.iter().rposition(|token| token.kind == Kind::Other(';')).map_or(0, |end| end + 1);
    (last..before.len()).any(|place| before[place].is("copy") && begins(place))
}

/// `GRANT SELECT ON …`; without ON a role is granted.
fn names_an_object(rest: &[Token<'_>]) -> bool {
    rest.iter().take_while(|token| token.kind != Kind::Other(';')).any(|token| token.is("on"))
}

/// The text in a literal that may be code.
fn code(token: &Token<'_>) -> Option<String> {
    match token.kind {
        Kind::Code => {
            let tag = token.text[1..].find('$')? + 2;
            Some(token.text.get(tag..token.text.len().checked_sub(tag)?)?.to_owned())
        }
        Kind::Text | Kind::Escaped => {
            let inside = token.text.split_once('\'')?.1;
            Some(inside.strip_suffix('\'').unwrap_or(inside).replace("''", "'").replace("\\'", "'"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_settings_and_databases_are_the_servers() {
        for text in [
            "CREATE ROLE a",
            "alter user a PASSWORD 'x'",
            "DROP GROUP a",
            "CREATE DATABASE d",
            "ALTER SYSTEM SET a = 1",
            "GRANT a TO b",
            "REVOKE a FROM b",
            "DROP OWNED BY a",
            "DO $$ BEGIN EXECUTE 'CREATE ROLE ' || 'x'; END $$",
            "DO $x$ BEGIN EXECUTE $y$ALTER DATABASE d SET a = 1$y$; END $x$",
            "SELECT pg_reload_conf()",
            "GRANT CONNECT ON DATABASE d TO a",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DROP ROLE a'",
        ] {
            assert_eq!(reach(text), Reach::Server, "{text}");
        }
    }

    #[test]
    fn subscriptions_and_programs_are_elsewhere() {
        for text in [
            "CREATE SUBSCRIPTION s CONNECTION 'host=a' PUBLICATION p",
            "COPY t TO PROGRAM 'rm'",
            "COPY t (a) FROM '/var/lib/a.csv' WITH (FORMAT csv)",
            "COPY (SELECT a FROM t WHERE b = 'x') TO E'/tmp/a'",
            "DO $$ BEGIN IF true THEN COPY t TO '/tmp/a'; END IF; END $$",
            "DO $$ BEGIN EXECUTE 'COPY t TO ''/tmp/a'''; END $$",
            "SELECT lo_export(1, '/tmp/a')",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
            "SELECT dblink_exec('host=a', 'DROP TABLE t')",
            "IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c",
        ] {
            assert_eq!(reach(text), Reach::Elsewhere, "{text}");
        }
    }

    #[test]
    fn what_only_sounds_like_it_is_not() {
        for text in [
            "CREATE TABLE role (database text, system int)",
            "GRANT SELECT ON t TO a",
            "ALTER TABLE t OWNER TO a",
            "CREATE USER MAPPING FOR a SERVER s",
            "COMMENT ON TABLE t IS 'a role of the user''s database'",
            "SET ROLE a",
            "CREATE POLICY p ON t FOR SELECT TO a USING (true)",
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO a",
            "INSERT INTO program VALUES ('from program')",
            "COPY t TO '/dev/null'",
            "COPY t FROM STDIN",
            "ALTER FUNCTION copy() SET search_path TO 'a'",
            "SELECT substring(copy FROM 'a') FROM t",
        ] {
            assert_eq!(reach(text), Reach::Database, "{text}");
        }
    }
}
