//! The queue on a real Postgres.
#![allow(missing_docs, clippy::unwrap_used)]

mod fixture;

mod controlling;
mod crashing;
mod enqueueing;
mod remembering;
mod retrying;
mod running;
mod uniqueness;
