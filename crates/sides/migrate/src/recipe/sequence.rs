//! A new column with values from a sequence.

use squawk_syntax::ast::GeneratedConstraint;

use super::{
    Instead, Part,
    column::defaulted,
    names::{Table, given, quoted},
};

/// What `serial` means, in steps: a sequence of the column's own, its default, old rows, NOT NULL.
pub(crate) fn serial(table: &Table, column: &str, ty: &str) -> Instead {
    let ty = match ty.to_lowercase().as_str() {
        "bigserial" | "serial8" => "bigint",
        "smallserial" | "serial2" => "smallint",
        _ => "integer",
    };
    Instead::Series(counted(table, column, ty))
}

fn counted(table: &Table, column: &str, ty: &str) -> Vec<Part> {
    let sequence = table.beside(&given(&table.bare, &[column.to_owned()], "seq"));
    let default = format!("nextval('{}')", sequence.replace('\'', "''"));
    let mut parts = defaulted(table, column, ty, &default, true);
    parts[0].up.insert(0, format!("CREATE SEQUENCE {sequence} AS {ty}"));
    parts[0].up.push(format!("ALTER SEQUENCE {sequence} OWNED BY {}.{}", table.written, quoted(column)));
    parts
}

/// As `serial`, and at last the sequence becomes the column's identity.
pub(crate) fn identity(table: &Table, column: &str, ty: &str, generated: &GeneratedConstraint) -> Instead {
    let mut parts = counted(table, column, ty);
    let kind = if generated.always_token().is_some() { "ALWAYS" } else { "BY DEFAULT" };
    let (written, name) = (&table.written, quoted(column));
    let sequence = table.beside(&given(&table.bare, &[column.to_owned()], "seq"));
    let literal = sequence.replace('\'', "''");
    let bare = quoted(&format!("{}_old", given(&table.bare, &[column.to_owned()], "seq")));
    let old =
        sequence.rsplit_once('.').map_or_else(|| bare.clone(), |(schema, _)| format!("{schema}.{bare}"));
    parts.push(Part {
        suffix: "identity",
        up: vec![
            format!("ALTER TABLE {written} ALTER COLUMN {name} DROP DEFAULT"),
            format!("ALTER SEQUENCE {sequence} OWNED BY NONE"),
            format!("ALTER SEQUENCE {sequence} RENAME TO {bare}"),
            format!("ALTER TABLE {written} ALTER COLUMN {name} ADD GENERATED {kind} AS IDENTITY"),
            format!("SELECT setval('{literal}', last_value, is_called) FROM {old}"),
            format!("DROP SEQUENCE {old}"),
        ],
        in_transaction: true,
        ..Part::default()
    });
    Instead::Series(parts)
}
