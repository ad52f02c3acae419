//! Real servers, started, shared, killed.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod failures;
mod holder;
mod own;
mod places;
mod shared;
