//! `migrate`: applies the migrations of this application and of sides, before the processes start.

use std::process::ExitCode;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");
const METADATA: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/metadata.rs"));

fn main() -> ExitCode {
    sides_migrate::main(&MIGRATIONS, METADATA)
}
