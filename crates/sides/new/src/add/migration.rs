//! Adds a migration.

use std::{fs, path::Path};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Name, NewError, Written, changes::Changes};

/// Writes a migration in diesel's format into `migrations/`, with the moment in its name.
///
/// `create_orders` makes a table, `add_email_to_people` a column; whatever has another name is left to be written.
///
/// # Errors
/// When there is one of this name and moment already.
pub fn migration(root: &Path, name: &Name, now: DateTime<Utc>) -> Result<Vec<Written>, NewError> {
    let folder = format!("migrations/{}_{}", free_version(&root.join("migrations"), now), name.as_str());
    let (up, down) = statements(name.as_str());
    let mut changes = Changes::new(root);
    changes.create(format!("{folder}/up.sql"), up)?;
    changes.create(format!("{folder}/down.sql"), down)?;
    changes.write()
}

/// The moment as a version; a later one where a migration has it already: they are applied in the order of their versions.
fn free_version(folder: &Path, now: DateTime<Utc>) -> String {
    let names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let versions = (0..).map(|later| (now + TimeDelta::seconds(later)).format("%Y-%m-%d-%H%M%S").to_string());
    let is_free = |version: &String| !names.iter().any(|name| name.starts_with(version.as_str()));
    versions.into_iter().find(is_free).unwrap_or_default()
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
    // Fails until it is written: a `dev` that runs applies what is saved, and an applied file must not be changed.
    let up = "-- What changes, instead of this line:\nDO $$ BEGIN RAISE EXCEPTION 'this migration is not written yet'; END $$;\n";
    (up.to_owned(), "-- The reverse of up.sql.\n".to_owned())
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
        assert!(
            statements("tidy_up").0.contains("this migration is not written yet"),
            "it cannot be applied"
        );
    }
}
