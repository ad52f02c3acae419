//! The queue on a real Postgres.
#![allow(missing_docs, clippy::unwrap_used)]

mod fixture;

mod alone;
mod any_language;
mod beside;
mod chaos;
mod coming_and_going;
mod controlling;
mod crashing;
mod deaths;
mod defaults;
mod depth;
mod enqueueing;
#[cfg(feature = "fang")]
mod fang_jobs;
mod going_on;
mod noting;
mod odd_rows;
mod outages;
mod planning;
mod poison;
mod remembering;
mod retrying;
mod running;
mod stranger;
mod testing_jobs;
mod uniqueness;
