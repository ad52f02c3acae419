//! The queue on a real Postgres.
#![allow(missing_docs, clippy::unwrap_used)]

mod fixture;

mod enqueueing;
mod running;
