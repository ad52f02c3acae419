//! The tables of the chassis, schema `sides`: their migrations, their rows and the queries that more than one crate asks.
//!
//! The migrations are a versioned library that travels with the crates that use the tables. `sides-migrate` runs these and
//! the application's together, so that an application names none of them.
//!
//! Names and texts of migrations that were ever released never change: databases know them by both.
//!
//! Never knows an application, HTTP or a process.

pub mod instances;
pub mod locks;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

/// The migrations, oldest first.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The text of each `metadata.toml` among them, by the migration's name.
pub const METADATA: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/metadata.rs"));

#[cfg(test)]
mod tests {
    use diesel::{migration::MigrationSource, pg::Pg};

    use super::*;

    #[test]
    fn every_migration_has_a_row_where_they_are_explained() {
        let text = include_str!("../migrations/README.md");
        let all = MigrationSource::<Pg>::migrations(&MIGRATIONS).expect("they were read when this was built");
        assert!(!all.is_empty());
        for migration in all {
            let name = migration.name().to_string();
            let (_, what) = name.split_once('_').expect("a name follows the time");
            assert!(text.contains(&format!("`…_{what}`")), "migrations/README.md has no row of {name}");
        }
    }
}
