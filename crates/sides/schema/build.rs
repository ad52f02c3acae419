//! Builds the crate again when a migration changed.

fn main() {
    migrate_build::watch("migrations");
}
