//! A trigger that keeps a new column in sync with an old one while both are used.

use super::names::{Table, given, quoted};

/// The trigger of one new column and its function, both named after it.
#[derive(Debug)]
pub(crate) struct Sync {
    name: String,
    function: String,
    table: String,
}

impl Sync {
    pub(crate) fn of(table: &Table, column: &str) -> Self {
        let name = given(&table.bare, &[column.to_owned()], "sync");
        Self { function: table.beside(&name), name: quoted(&name), table: table.written.clone() }
    }

    /// `body` sets columns of NEW.
    pub(crate) fn up(&self, body: &str) -> Vec<String> {
        let Self { name, function, table } = self;
        vec![
            format!(
                "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $sync$\nBEGIN\n{body}\n    RETURN NEW;\nEND\n$sync$"
            ),
            format!(
                "CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table}\n    FOR EACH ROW EXECUTE FUNCTION {function}()"
            ),
        ]
    }

    pub(crate) fn down(&self) -> Vec<String> {
        vec![
            format!("DROP TRIGGER {} ON {}", self.name, self.table),
            format!("DROP FUNCTION {}()", self.function),
        ]
    }
}
