//! Statements that Postgres refuses in a transaction, so that a crash can leave them half done.

use squawk_syntax::{
    SyntaxKind,
    ast::{AlterTableAction, AstNode, Stmt},
};

/// What such a statement is about, as it is written: perhaps quoted, perhaps with its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Concurrent {
    CreateIndex {
        index: String,
        table: String,
        if_not_exists: bool,
    },
    DropIndex {
        index: String,
    },
    Detach {
        partition: String,
    },
    /// Nothing is half done by it: run it again.
    Repeatable,
}

impl Concurrent {
    pub(crate) fn of(tree: &Stmt) -> Option<Self> {
        match tree {
            Stmt::CreateIndex(create) => {
                create.concurrently_token()?;
                // Without a name Postgres would choose one, and nobody could find the half-built index.
                let index = create.name().map(|name| text(&name)).unwrap_or_default();
                let table = create.relation_name().map(|name| text(&name)).unwrap_or_default();
                Some(Self::CreateIndex { index, table, if_not_exists: create.if_not_exists().is_some() })
            }
            Stmt::DropIndex(drop) => {
                drop.concurrently_token()?;
                // Postgres drops one at a time here.
                Some(Self::DropIndex { index: drop.paths().next().map(|path| text(&path))? })
            }
            Stmt::AlterTable(alter) => alter.actions().find_map(|action| match action {
                AlterTableAction::DetachPartition(detach) if has_concurrently(&detach) => {
                    Some(Self::Detach { partition: detached(&detach)? })
                }
                _ => None,
            }),
            Stmt::Reindex(reindex) if has_concurrently(reindex) => Some(Self::Repeatable),
            Stmt::Vacuum(_) => Some(Self::Repeatable),
            _ => None,
        }
    }
}

fn has_concurrently(node: &impl AstNode) -> bool {
    node.syntax()
        .descendants_with_tokens()
        .any(|element| element.as_token().is_some_and(|token| token.kind() == SyntaxKind::CONCURRENTLY_KW))
}

/// `DETACH PARTITION name CONCURRENTLY`: the words between the keywords.
fn detached(node: &impl AstNode) -> Option<String> {
    let words = text(node);
    let words: Vec<&str> = words.split_whitespace().collect();
    words.get(2).map(|&name| name.to_owned())
}

fn text(node: &impl AstNode) -> String {
    node.syntax().text().to_string().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use crate::{concurrent::Concurrent, sql::statements};

    fn of(text: &str) -> Option<Concurrent> {
        statements(text)[0].concurrent.clone()
    }

    #[test]
    fn the_object_is_named_as_written() {
        assert_eq!(
            of("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"By Name\" ON app.t (a)"),
            Some(Concurrent::CreateIndex {
                index: "\"By Name\"".to_owned(),
                table: "app.t".to_owned(),
                if_not_exists: true
            })
        );
        assert_eq!(
            of("DROP INDEX CONCURRENTLY app.i"),
            Some(Concurrent::DropIndex { index: "app.i".to_owned() })
        );
        assert_eq!(
            of("ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY"),
            Some(Concurrent::Detach { partition: "p1".to_owned() })
        );
        assert_eq!(of("REINDEX INDEX CONCURRENTLY i"), Some(Concurrent::Repeatable));
        for ordinary in ["CREATE INDEX i ON t (a)", "DROP INDEX i", "ALTER TABLE p DETACH PARTITION p1"] {
            assert_eq!(of(ordinary), None, "{ordinary}");
        }
    }
}
