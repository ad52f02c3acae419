//! Jobs on Postgres: enqueue in the caller's transaction, run at least once, lose nothing.
//!
//! The table is fang's (`sides.fang_tasks`), so a stock fang 0.11 application can enqueue into it. A job waits
//! there until a [`Runner`] that knows its kind claims it; when it is over it moves to `sides.job_history`.
//!
//! Enqueueing is exactly once: the job exists if and only if the caller's transaction commits. Running is at
//! least once: a job runs again only when its runner died or lost its lease, so effects outside the database
//! need an idempotency key.
//!
//! Never knows models, web or any handler.

mod admissible;
mod arguments;
#[doc(hidden)]
pub mod bench;
mod context;
mod control;
mod enqueue;
mod error;
mod insert;
mod interop;
mod job_id;
mod life;
mod named;
mod options;
mod overview;
mod prepared;
mod registry;
mod retention;
mod runner;
mod schema;
pub mod testing;

pub use admissible::OptionsFault;
pub use arguments::ArgumentsFault;
pub use context::Context;
pub use control::{Cancelled, Limits, Scope, cancel, limit, pause, resume, retry};
pub use enqueue::{
    EnqueueError, enqueue, enqueue_all, enqueue_all_unique, enqueue_all_with, enqueue_named, enqueue_with,
};
pub use error::JobError;
pub use interop::{FangQueue, fang_kinds};
pub use job_id::JobId;
pub use life::{AttemptSeen, JobSeen, Life, life};
pub use named::{NamedJob, enqueue_all_named};
pub use options::{OnConflict, Options, Unique, UniqueUntil};
pub use overview::{KindOverview, overview};
pub use registry::{Handler, Registry};
pub use retention::keep_history;
pub use runner::{Part, Runner, RunnerConfig, RunnerError};

/// The tables that this crate uses, for a process' manifest.
pub const SCHEMA: manifest::Tables = manifest::tables!("src/schema.rs");
