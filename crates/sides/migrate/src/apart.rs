//! Whether two migrations are independent. Pure.

use std::collections::{BTreeMap, BTreeSet};

use squawk_syntax::{
    SyntaxKind, SyntaxNode,
    ast::{AstNode, CallExpr, CreateFunction, FromItem, Path, Stmt},
};

use crate::{
    Migration,
    class::{fold, text_of},
    sql::statements,
};

/// What a script names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Names {
    /// Tables, views, indexes, types, functions: made, changed, dropped or read.
    named: BTreeSet<String>,
    /// Functions that are called, and words in code: two who use the same one do not differ by their order.
    used: BTreeSet<String>,
    /// Whether something is dropped: what hangs on it goes with it, or must go before it.
    drops: bool,
}

/// Every name that a script uses, or nothing when it runs code that may use any.
pub(crate) fn names(text: &str) -> Option<BTreeSet<String>> {
    Names::of(text).map(|names| names.named.into_iter().chain(names.used).collect())
}

/// Which names the statements of a lane use together: an index and its table, a view and what it reads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Related(BTreeMap<String, BTreeSet<String>>);

impl Related {
    pub(crate) fn of(all: &[Migration]) -> Self {
        let mut related: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for statement in all.iter().flat_map(|migration| statements(migration.up())) {
            let names = Names::of(&statement.text).unwrap_or_default();
            for name in names.named.iter().chain(&names.used) {
                related.entry(name.clone()).or_default().extend(names.named.iter().cloned());
            }
        }
        Self(related)
    }

    /// Whether the two have nothing to do with each other, so that their order does not matter.
    pub(crate) fn are_apart(&self, one: &Migration, other: &Migration) -> bool {
        let (Some(one), Some(other)) = (Names::of(one.up()), Names::of(other.up())) else { return false };
        let share_names = !one.named.is_disjoint(&other.named)
            || !one.named.is_disjoint(&other.used)
            || !one.used.is_disjoint(&other.named);
        let share_hangers = one.drops
            && other.drops
            && (self.around(&one).any(|name| other.named.contains(name))
                || self.around(&other).any(|name| one.named.contains(name)));
        !share_names && !share_hangers
    }

    fn around<'a>(&'a self, names: &'a Names) -> impl Iterator<Item = &'a String> {
        names.named.iter().filter_map(|name| self.0.get(name)).flatten()
    }
}

impl Names {
    fn of(text: &str) -> Option<Self> {
        if statements(text).iter().any(|statement| crate::check::is_opaque(&statement.text)) {
            return None;
        }
        let file = crate::sql::parse(text);
        let tree = file.tree();
        let nodes = || tree.syntax().descendants();
        let paths = nodes().filter_map(Path::cast).filter(|path| !is_built_in(path));
        let paths = paths.filter_map(|path| path.segment().map(|segment| fold(&text_of(&segment))));
        // What is read is written as an expression is, not as a path.
        let read = nodes().filter_map(FromItem::cast).filter_map(|item| {
            let name = item.name_ref().map(|name| text_of(&name));
            name.or_else(|| item.field_expr().map(|path| text_of(&path))).map(|path| last(&path))
        });
        let indexes = tree.stmts().filter_map(|statement| match statement {
            Stmt::CreateIndex(create) => create.name().map(|name| fold(&text_of(&name))),
            _ => None,
        });
        let named = paths.chain(read).chain(indexes).filter(|name| name != "public").collect();
        let calls: Vec<_> = nodes().filter_map(CallExpr::cast).collect();
        let called = calls.iter().filter_map(|call| call.expr().map(|name| last(&text_of(&name))));
        let in_calls = calls.iter().flat_map(|call| words(call.syntax()));
        let in_code = nodes().filter_map(CreateFunction::cast).flat_map(|create| words(create.syntax()));
        let used = called.chain(in_calls).chain(in_code).collect();
        let drops =
            tree.syntax().descendants_with_tokens().any(|element| element.kind() == SyntaxKind::DROP_KW);
        Some(Self { named, used, drops })
    }
}

/// The words in a node's literals: `nextval('orders_id_seq')`, the body of a function.
fn words(node: &SyntaxNode) -> Vec<String> {
    let tokens = node.descendants_with_tokens().filter_map(|element| element.as_token().cloned());
    let literals =
        tokens.filter(|token| matches!(token.kind(), SyntaxKind::STRING | SyntaxKind::DOLLAR_QUOTED_STRING));
    let is_part = |one: char| one.is_alphanumeric() || one == '_';
    literals
        .flat_map(|literal| {
            let text = literal.text().to_lowercase();
            text.split(|one| !is_part(one))
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The name without its schema.
fn last(path: &str) -> String {
    fold(path.rsplit('.').next().unwrap_or(path))
}

/// Types are named too, but only those that somebody made.
fn is_built_in(path: &Path) -> bool {
    path.syntax().parent().is_some_and(|parent| parent.kind() == SyntaxKind::PATH_TYPE)
        && BUILT_IN.contains(&path.syntax().text().to_string().to_lowercase().as_str())
}

const BUILT_IN: &[&str] = &[
    "bigint",
    "bigserial",
    "bool",
    "boolean",
    "bytea",
    "cidr",
    "date",
    "decimal",
    "double",
    "float4",
    "float8",
    "inet",
    "int",
    "int2",
    "int4",
    "int8",
    "integer",
    "interval",
    "json",
    "jsonb",
    "money",
    "numeric",
    "real",
    "serial",
    "smallint",
    "smallserial",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "tsvector",
    "uuid",
    "varchar",
    "xml",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn are_apart(before: &[&str], one: &str, other: &str) -> bool {
        let texts = before.iter().chain([&one, &other]);
        let all: Vec<_> =
            texts.enumerate().map(|(place, up)| Migration::new(format!("{place}_m"), *up, "")).collect();
        let [.., one, other] = &all[..] else { unreachable!() };
        Related::of(&all).are_apart(one, other) && Related::of(&all).are_apart(other, one)
    }

    #[test]
    fn what_is_read_called_or_typed_is_used() {
        for other in [
            "CREATE VIEW v AS SELECT x.id FROM other.a AS x JOIN b ON true",
            "CREATE VIEW v AS SELECT id FROM a",
            "CREATE INDEX i ON a (n)",
            "ALTER TABLE b ADD FOREIGN KEY (n) REFERENCES a (id)",
            "UPDATE b SET n = 1 FROM a",
            "INSERT INTO b SELECT * FROM a",
            "ALTER TABLE b ALTER COLUMN n SET DEFAULT nextval('public.a')",
            "ALTER TABLE b ADD COLUMN n a",
            "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT max(id) FROM a'",
        ] {
            assert!(!are_apart(&[], "ALTER TABLE a ADD COLUMN m int", other), "{other}");
            assert!(are_apart(&[], "ALTER TABLE c ADD COLUMN m int", other), "{other}");
        }
        assert!(!are_apart(
            &[],
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "ALTER TABLE b ALTER n SET DEFAULT f()"
        ));
        // Both only call it.
        assert!(are_apart(
            &[],
            "ALTER TABLE a ALTER n SET DEFAULT now()",
            "ALTER TABLE b ALTER n SET DEFAULT now()"
        ));
    }

    #[test]
    fn what_hangs_on_something_goes_before_it() {
        let before = [
            "CREATE INDEX i ON a (n); CREATE VIEW v AS SELECT n FROM a",
            "ALTER TABLE b ADD FOREIGN KEY (n) REFERENCES a (n)",
        ];
        for (one, other) in [
            ("DROP INDEX i", "ALTER TABLE a DROP COLUMN n"),
            ("DROP VIEW v", "DROP TABLE a"),
            ("ALTER TABLE b DROP CONSTRAINT b_n_fkey", "DROP TABLE a"),
        ] {
            assert!(!are_apart(&before, one, other), "{one}; {other}");
            assert!(are_apart(&[], one, other), "{one}; {other}");
        }
        // What is only added to the other end of a foreign key need not wait.
        assert!(are_apart(&before, "ALTER TABLE a DROP COLUMN n", "ALTER TABLE b ADD COLUMN m int"));
    }
}
