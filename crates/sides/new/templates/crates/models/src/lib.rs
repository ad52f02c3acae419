//! Tables, rows and queries.

pub mod greetings;
pub mod schema;

/// The tables that this crate uses, for a process' manifest.
pub const SCHEMA: manifest::Tables = manifest::tables!("src/schema.rs");
