//! This application's migrations, and the chassis' with them, on a real database.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod diesel;
mod released;
mod round_trip;
mod schema_rs;

use std::path::PathBuf;

use sides_migrate::Migration;

fn folder() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations").into()
}

/// Those of the application.
fn application() -> Vec<Migration> {
    Migration::read_all(&folder()).unwrap()
}

/// Those of the application and of the chassis.
fn all() -> Vec<Migration> {
    sides_migrate::with_chassis(application()).unwrap()
}
