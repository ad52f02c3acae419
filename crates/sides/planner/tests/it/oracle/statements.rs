//! Catalogues and changes as Postgres is told them.

use sides_planner::{Catalogue, Change, Column};

/// Statements that make the tables of a catalogue.
pub(crate) fn create(catalogue: &Catalogue) -> String {
    let mut sql = String::new();
    for (table, columns) in &catalogue.tables {
        let columns: Vec<String> = columns.iter().map(|(name, what)| define(name, what)).collect();
        sql += &format!("CREATE TABLE {table} ({});", columns.join(", "));
    }
    sql
}

fn define(name: &str, what: &Column) -> String {
    format!("{name} {}{}", what.sql_type, if what.required { " NOT NULL" } else { "" })
}

/// One transaction that brings a change about, rows included.
pub(crate) fn apply(change: &Change, before: &Catalogue) -> String {
    let inner = match change {
        Change::AddTable { table } => format!("CREATE TABLE IF NOT EXISTS {table} ();"),
        Change::DropTable { table } => format!("DROP TABLE IF EXISTS {table};"),
        Change::DropColumn { table, column } => {
            format!("ALTER TABLE {table} DROP COLUMN IF EXISTS {column};")
        }
        Change::SetColumn { table, column, to } => {
            let known = before.tables.get(table).and_then(|columns| columns.get(column));
            let kind = &to.sql_type;
            let shape = match known {
                None => format!("ALTER TABLE {table} ADD COLUMN {column} {kind};"),
                Some(known) if known.sql_type != *kind => {
                    format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind} USING '1'::{kind};")
                }
                Some(_) => format!("LOCK TABLE {table};"),
            };
            let null = if to.required {
                format!(
                    "UPDATE {table} SET {column} = '1' WHERE {column} IS NULL; \
                     ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;"
                )
            } else {
                format!("ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL;")
            };
            shape + &null
        }
    };
    format!("BEGIN; {inner} COMMIT;")
}

/// A release's INSERT: these columns and no other.
pub(crate) fn insert<'a>(table: &str, columns: impl IntoIterator<Item = &'a String>) -> String {
    let columns: Vec<&str> = columns.into_iter().map(String::as_str).collect();
    if columns.is_empty() {
        return format!("INSERT INTO {table} DEFAULT VALUES");
    }
    let ones = vec!["'1'"; columns.len()].join(", ");
    format!("INSERT INTO {table} ({}) VALUES ({ones})", columns.join(", "))
}

/// A job as any language may enqueue it; its arguments have the shape of its version. It is due in `delay_ms`.
pub(crate) fn enqueue(kind: &str, version: u16, delay_ms: u32) -> String {
    format!(
        "INSERT INTO sides.fang_tasks (metadata, version, scheduled_at) \
         VALUES ('{{\"type\": \"{kind}\", \"shape\": {version}}}', {version}, now() + interval '{delay_ms} ms') \
         RETURNING id"
    )
}
