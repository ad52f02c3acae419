//! The tables of the chassis, schema `sides`: their migrations, their rows and the queries that more than one crate asks.
//!
//! The migrations are a versioned library that travels with the crates that use the tables. `sides-migrate` runs these and
//! the application's together, so that an application names none of them.
//!
//! Names and texts of migrations that were ever released never change: databases know them by both.
//!
//! Each table has its rows and queries here and nowhere else. The queue's tables belong to `sides-queue`, which claims,
//! finishes and enqueues; what other crates ask of them is in [`jobs`].
//!
//! ```
//! /// What this crate uses, for the manifest of each build that links it.
//! const SCHEMA: manifest::Tables = &[sides_schema::table("ticks"), sides_schema::table("instances")];
//!
//! assert_eq!(SCHEMA[0].0, "sides.ticks");
//! ```
//!
//! Never knows an application, HTTP or a process.

pub mod actions;
pub mod instances;
pub mod inventory;
pub mod jobs;
pub mod locks;
pub mod memory_trends;
pub mod names;
pub mod queue_texts;
pub mod releases;
pub mod scale_requests;
pub mod schedules;
pub mod sessions;
pub mod stored_schedules;
pub mod tables;
pub mod ticks;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

/// The migrations, oldest first.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The text of each `metadata.toml` among them, by the migration's name.
pub const METADATA: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/metadata.rs"));

/// The tables, for manifests.
pub const TABLES: manifest::Tables = manifest::tables!("src/tables.rs");

/// One of [`TABLES`], such as `actions`, for the list of what a crate uses:
/// `pub const SCHEMA: manifest::Tables = &[schema::table("actions")];`
///
/// # Panics
/// While that crate is compiled, when there is none of this name.
#[must_use]
pub const fn table(name: &str) -> (&'static str, &'static [(&'static str, &'static str)]) {
    let mut at = 0;
    while at < TABLES.len() {
        if is_named(TABLES[at].0.as_bytes(), name.as_bytes()) {
            return TABLES[at];
        }
        at += 1;
    }
    panic!("schema sides has no table of this name");
}

/// Whether it is the one's name behind `sides.`.
const fn is_named(whole: &[u8], name: &[u8]) -> bool {
    const SCHEMA: usize = "sides.".len();
    if whole.len() != SCHEMA + name.len() {
        return false;
    }
    let mut at = 0;
    while at < name.len() {
        if whole[SCHEMA + at] != name[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use diesel::{migration::MigrationSource, pg::Pg};

    use super::*;

    #[test]
    fn a_table_is_found_by_its_name() {
        const TICKS: manifest::Tables = &[table("ticks")];
        assert_eq!(TICKS[0].0, "sides.ticks");
        assert!(TICKS[0].1.contains(&("due_at", "timestamptz")));
        assert!(!is_named(b"sides.ticks", b"tick") && !is_named(b"sides.ticks", b"ticky"));
    }

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
