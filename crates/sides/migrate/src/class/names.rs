//! Names and keywords in a parsed statement.

use squawk_syntax::{
    SyntaxKind,
    ast::{AstNode, Path, RelationName},
};

/// A node's text.
pub(crate) fn text_of(node: &impl AstNode) -> String {
    node.syntax().text().to_string().trim().to_owned()
}

/// Whether a keyword stands directly in the node.
pub(crate) fn has(node: &impl AstNode, keyword: SyntaxKind) -> bool {
    node.syntax().children_with_tokens().any(|child| child.kind() == keyword)
}

/// A relation's name as it is compared here: folded as Postgres folds it, without `public`.
pub(crate) fn relation(name: Option<RelationName>) -> String {
    name.and_then(|name| name.path()).map(|path| folded(&path)).unwrap_or_default()
}

/// The same of a path.
pub(crate) fn path(path: Option<Path>) -> String {
    path.map(|path| folded(&path)).unwrap_or_default()
}

/// The names that stand directly in a node, in their order.
pub(crate) fn paths_of(node: &impl AstNode) -> Vec<String> {
    node.syntax().children().filter_map(Path::cast).map(|path| folded(&path)).collect()
}

/// A name: in lower case unless it is quoted.
pub(crate) fn fold(name: &str) -> String {
    let name = name.trim();
    match name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => name.to_lowercase(),
    }
}

fn folded(path: &Path) -> String {
    let mut parts = Vec::new();
    let mut rest = Some(path.clone());
    while let Some(path) = rest {
        parts.extend(path.segment().map(|segment| fold(&text_of(&segment))));
        rest = path.qualifier();
    }
    parts.reverse();
    if parts.len() > 1 && parts[0] == "public" {
        parts.remove(0);
    }
    parts.join(".")
}
