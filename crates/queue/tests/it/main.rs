//! The queue on a real Postgres.
#![allow(missing_docs, clippy::unwrap_used)]

mod fixture;

mod crashing;
mod enqueueing;
mod retrying;
mod running;
