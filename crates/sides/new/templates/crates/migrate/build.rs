//! Builds the program again when a migration changed.

fn main() {
    migrate_build::watch("../../migrations");
}
