//! Gives an object the owner, rights and comments of another. Read at run time, because rights are also granted by
//! hand.

use super::names::{Table, quoted};
use crate::class::ColumnFacts;

/// The view `new` in the place of the table `old`.
pub(crate) fn view(old: &str, new: &str) -> String {
    relation("VIEW", old, new, include_str!("behind_view.sql"))
}

/// The materialized view `new` beside `old`.
pub(crate) fn materialized(old: &str, new: &str) -> String {
    relation("MATERIALIZED VIEW", old, new, "")
}

fn relation(kind: &str, old: &str, new: &str, more: &str) -> String {
    include_str!("like.sql")
        .trim_end()
        .replace("{more}", more)
        .replace("{kind}", kind)
        .replace("'{old}'", &literal(old))
        .replace("'{new}'", &literal(new))
        .replace("{new}", new)
}

/// A column that stands for another one of its table, as far as that has anything of its own. One of the same type is
/// stored like it, too.
pub(crate) fn column(
    table: &Table,
    old: &str,
    new: &str,
    known: &ColumnFacts,
    is_same_type: bool,
) -> Option<String> {
    let more = if is_same_type { include_str!("stored_like.sql") } else { "" };
    known.kept.then(|| {
        include_str!("like_column.sql")
            .trim_end()
            .replace("{more}", more)
            .replace("'{table}'", &literal(&table.written))
            .replace("{old_name}", &literal(old))
            .replace("{new_name}", &literal(new))
            .replace("{old}", &quoted(old))
            .replace("{new}", &quoted(new))
    })
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
