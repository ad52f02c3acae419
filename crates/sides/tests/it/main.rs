//! The command line with real processes, real signals, a real Postgres and real HTTP.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod answers;
mod deaths;
mod dependency_rules;
mod host;
mod programs;
mod refusals;
mod sandbox;
mod second;
