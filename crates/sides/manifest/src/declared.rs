//! The tables a build knows, read from the very text that its code was compiled from.
//!
//! `models/src/schema.rs` and its like hold one `diesel::table!` for each table. Diesel cannot name a column
//! that is not in there, and a test holds raw SQL to them, so that text is the sound upper bound of what a
//! build can touch: no second list that could be forgotten.

use std::collections::{BTreeMap, BTreeSet};

use crate::TableUse;

/// A text that is no list of `table!`s.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the text of a schema.rs is not understood at {0:?}: write `column -> Type,` on a line of its own")]
pub struct DeclaredError(pub String);

/// Reads the `diesel::table!`s of a `schema.rs`, as rustfmt writes them.
///
/// A build may fill every column that it knows when it inserts; it cannot fill another.
///
/// # Errors
/// At the first line within a table that is no column.
pub fn declared(source: &str) -> Result<BTreeMap<String, TableUse>, DeclaredError> {
    let mut tables = BTreeMap::new();
    for text in source.split("diesel::table! {").skip(1) {
        let mut lines =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
        let head = lines.by_ref().find(|line| !line.starts_with("use ")).unwrap_or_default();
        let name = head.split([' ', '(']).next().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| DeclaredError(head.to_owned()))?.trim_start_matches("public.");
        let mut columns = BTreeMap::new();
        for line in lines.take_while(|line| *line != "}") {
            let (column, sql_type) = column(line).ok_or_else(|| DeclaredError(line.to_owned()))?;
            columns.insert(column.to_owned(), sql_type);
        }
        let inserts: BTreeSet<String> = columns.keys().cloned().collect();
        tables.insert(name.to_owned(), TableUse { columns, inserts: Some(inserts) });
    }
    Ok(tables)
}

fn column(line: &str) -> Option<(&str, String)> {
    let (column, kind) = line.trim_end_matches(',').split_once(" -> ")?;
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name(column).then(|| (column, postgres_name(kind.trim())))
}

/// Diesel's name of a type to the one in `pg_type`.
fn postgres_name(diesel: &str) -> String {
    let within = |wrapper: &str| diesel.strip_prefix(wrapper)?.strip_suffix('>');
    if let Some(inner) = within("Nullable<") {
        return postgres_name(inner);
    }
    if let Some(inner) = within("Array<") {
        return format!("_{}", postgres_name(inner));
    }
    let short = match diesel {
        "BigInt" | "BigSerial" => "int8",
        "Integer" | "Serial" => "int4",
        "SmallInt" | "SmallSerial" => "int2",
        "Double" => "float8",
        "Float" => "float4",
        "Binary" => "bytea",
        "Char" => "bpchar",
        other => return snake(other),
    };
    short.to_owned()
}

fn snake(camel: &str) -> String {
    let mut name = String::new();
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_columns_and_types_are_read_as_they_stand() {
        let source = "//! Text.\ndiesel::table! {\n    use diesel::sql_types::*;\n\n    sides.jobs (id) {\n        \
                      // Why.\n        id -> Uuid,\n        at -> Nullable<Timestamptz>,\n        \
                      tags -> Nullable<Array<Nullable<Text>>>,\n        state -> FangTaskState,\n        \
                      n -> BigInt,\n    }\n}\n\ndiesel::table! {\n    public.a (id) {\n        id -> Int4,\n    }\n}\n";
        let tables = declared(source).unwrap();
        let types: Vec<_> = tables["sides.jobs"].columns.iter().map(|(c, t)| format!("{c} {t}")).collect();
        assert_eq!(types, ["at timestamptz", "id uuid", "n int8", "state fang_task_state", "tags _text"]);
        assert_eq!(tables["a"].inserts, Some(BTreeSet::from(["id".to_owned()])));
        assert_eq!(declared("no tables"), Ok(BTreeMap::new()));
    }

    #[test]
    fn what_is_not_understood_is_shown() {
        let source =
            "diesel::table! {\n    a (id) {\n        #[max_length = 3]\n        id -> Varchar,\n    }\n}";
        assert_eq!(declared(source), Err(DeclaredError("#[max_length = 3]".to_owned())));
    }
}
