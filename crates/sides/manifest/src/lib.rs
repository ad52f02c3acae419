//! What one build says of itself, and whether it works on a schema.
//!
//! Every process carries this crate, because every process answers `--manifest`. The search for an order of release
//! is another crate, `sides-planner`: a change to it leaves the processes' bytes alone.
//!
//! ```
//! use sides_manifest::{Catalogue, Manifest, declared, schema_mismatches};
//!
//! let mut manifest = Manifest::new("web", "a1b2");
//! manifest.add_tables(declared(&[("people", &[("name", "text")])]));
//! let empty = Catalogue::default();
//! assert_eq!(schema_mismatches(&manifest, &empty).len(), 1, "the database has no people.name");
//! ```

mod catalogue;
mod compatibility;
mod declared;
mod manifest;
mod role;

pub use catalogue::{CATALOGUE_SQL, Catalogue, Change, Column};
pub use compatibility::{SchemaMismatch, schema_mismatches};
pub use declared::{Tables, declared};
pub use manifest_macros::tables;

pub use manifest::{Arguments, Handled, MANIFEST_VERSION, Manifest, TableUse, json_type};
pub use role::Role;
