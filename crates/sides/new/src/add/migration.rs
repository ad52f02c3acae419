//! Adds a migration.

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::{Name, NewError, Written, changes::Changes};

/// Writes a migration in diesel's format into `migrations/`, with the moment in its name.
///
/// `create_orders` makes a table, `add_email_to_people` a column; whatever has another name is left to be written.
///
/// # Errors
/// When there is one of this name and moment already.
pub fn migration(root: &Path, name: &Name, now: DateTime<Utc>) -> Result<Vec<Written>, NewError> {
    let folder = format!("migrations/{}_{}", now.format("%Y-%m-%d-%H%M%S"), name.as_str());
    let (up, down) = statements(name.as_str());
    let mut changes = Changes::new(root);
    changes.create(format!("{folder}/up.sql"), up)?;
    changes.create(format!("{folder}/down.sql"), down)?;
    changes.write()
}

/// What the name says.
fn statements(name: &str) -> (String, String) {
    if let Some(table) = name.strip_prefix("create_") {
        let up = format!(
            "CREATE TABLE {table} (\n    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n    created_at timestamptz \
             NOT NULL DEFAULT now()\n);\n"
        );
        return (up, format!("DROP TABLE {table};\n"));
    }
    if let Some((column, table)) = name.strip_prefix("add_").and_then(|rest| rest.rsplit_once("_to_")) {
        let up = format!("ALTER TABLE {table} ADD COLUMN {column} text;\n");
        return (up, format!("ALTER TABLE {table} DROP COLUMN {column};\n"));
    }
    let blank = |what: &str| format!("-- {what}\n");
    (blank("What changes."), blank("The reverse of up.sql."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_says_what_it_does_is_taken_at_its_word() {
        let (up, down) = statements("add_birth_day_to_people");
        assert_eq!(up, "ALTER TABLE people ADD COLUMN birth_day text;\n");
        assert_eq!(down, "ALTER TABLE people DROP COLUMN birth_day;\n");
        assert!(statements("create_orders").0.starts_with("CREATE TABLE orders (\n    id bigint"));
        assert!(statements("tidy_up").0.starts_with("-- "));
    }
}
