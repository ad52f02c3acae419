//! Rows and queries on a real database.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod instances;
mod load;
mod locks;
