//! Schema changes ahead of the processes.
//!
//! Never knows web, worker or clock.

mod roles;
mod runner;

pub use roles::ensure_roles;
pub use runner::{MigrateError, down_all, up};
