//! Schema changes ahead of the processes.
//!
//! Never knows web, worker or clock.

mod migration;
mod roles;
mod runner;

pub use migration::{Migration, MigrationError, fingerprint};
pub use roles::ensure_roles;
pub use runner::{MigrateError, down_all, up};
