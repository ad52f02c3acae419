//! Rights as values, and the statements between two sets of them. Pure.

use std::collections::{BTreeMap, BTreeSet};

/// One right on a table or on one of its columns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Right {
    /// `table`, or `schema.table` outside `public`.
    pub(crate) table: String,
    /// As Postgres names it: `SELECT`, `INSERT`, `UPDATE`, `DELETE`.
    pub(crate) privilege: String,
    /// Without one the right is on the whole table.
    pub(crate) column: Option<String>,
}

/// Grants for what is wanted and not there.
pub(crate) fn grants(role: &str, wanted: &BTreeSet<Right>, present: &BTreeSet<Right>) -> Vec<String> {
    let missing = wanted.iter().filter(|right| !is_covered(right, present));
    each_table(missing).map(|(rights, table)| format!("GRANT {rights} ON {table} TO {role}")).collect()
}

/// Revokes of what is there and not wanted.
pub(crate) fn revokes(role: &str, wanted: &BTreeSet<Right>, present: &BTreeSet<Right>) -> Vec<String> {
    let more = present.iter().filter(|right| !wanted.contains(right));
    each_table(more).map(|(rights, table)| format!("REVOKE {rights} ON {table} FROM {role}")).collect()
}

fn is_covered(right: &Right, present: &BTreeSet<Right>) -> bool {
    let whole = Right { column: None, ..right.clone() };
    present.contains(right) || present.contains(&whole)
}

fn each_table<'a>(rights: impl Iterator<Item = &'a Right>) -> impl Iterator<Item = (String, String)> {
    let mut tables: BTreeMap<&str, BTreeMap<(&str, bool), Vec<String>>> = BTreeMap::new();
    for right in rights {
        let of_table = tables.entry(&right.table).or_default();
        let columns = of_table.entry((&right.privilege, right.column.is_some())).or_default();
        columns.extend(right.column.as_deref().map(quoted));
    }
    tables.into_iter().map(|(table, privileges)| {
        let parts = privileges.into_iter().map(|((privilege, _), columns)| match columns.is_empty() {
            true => privilege.to_owned(),
            false => format!("{privilege} ({})", columns.join(", ")),
        });
        (parts.collect::<Vec<_>>().join(", "), written(table))
    })
}

/// A table's name as a statement needs it.
pub(crate) fn written(table: &str) -> String {
    match table.split_once('.') {
        Some((schema, table)) => format!("{}.{}", quoted(schema), quoted(table)),
        None => format!("public.{}", quoted(table)),
    }
}

pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(table: &str, privilege: &str, column: Option<&str>) -> Right {
        Right { table: table.to_owned(), privilege: privilege.to_owned(), column: column.map(str::to_owned) }
    }

    #[test]
    fn only_the_difference_is_granted_and_revoked() {
        let wanted = BTreeSet::from([
            right("t", "DELETE", None),
            right("t", "SELECT", Some("a")),
            right("t", "SELECT", Some("b")),
            right("sides.u", "SELECT", None),
        ]);
        let present = BTreeSet::from([right("t", "SELECT", Some("a")), right("t", "UPDATE", Some("a"))]);
        assert_eq!(
            grants("r", &wanted, &present),
            ["GRANT SELECT ON \"sides\".\"u\" TO r", "GRANT DELETE, SELECT (\"b\") ON public.\"t\" TO r"]
        );
        assert_eq!(revokes("r", &wanted, &present), ["REVOKE UPDATE (\"a\") ON public.\"t\" FROM r"]);
        let whole = BTreeSet::from([right("t", "SELECT", None)]);
        assert_eq!(
            grants("r", &BTreeSet::from([right("t", "SELECT", Some("a"))]), &whole),
            Vec::<String>::new()
        );
    }
}
