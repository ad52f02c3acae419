//! The supervisor with real processes and real signals.
#![allow(missing_docs, clippy::unwrap_used)]

mod bench;
mod death;
mod drain;
mod instances;
mod listener;
mod memory;
mod roll;
mod succession;
