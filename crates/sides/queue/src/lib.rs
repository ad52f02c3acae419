//! Jobs on Postgres: enqueue in the caller's transaction, run at least once, lose nothing.
//!
//! Enqueueing is exactly once: the job exists if and only if the caller's transaction commits. Running is at
//! least once: a job runs again only when its runner died or lost its lease, so effects outside the database
//! need an idempotency key.
//!
//! It needs nothing but a Postgres, and stands beside whatever web framework and database library an application has:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use serde::{Deserialize, Serialize};
//! use sides_queue::{Context, DatabaseUrl, Job, JobError, Registry, Runner, RunnerConfig};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Welcome {
//!     name: String,
//! }
//!
//! impl Job for Welcome {
//!     const KIND: &'static str = "welcome";
//! }
//!
//! async fn welcome(job: Welcome, _: Context<()>) -> Result<(), JobError> {
//!     println!("Welcome, {}!", job.name);
//!     Ok(())
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let url: DatabaseUrl = std::env::var("DATABASE_URL")?.parse()?;
//! sides_queue::migrate(&url).await?;
//! let runner = Runner::new(url, Registry::new(()).handle::<Welcome, _>(welcome), RunnerConfig::default());
//! runner.run_until(async { drop(tokio::signal::ctrl_c().await) }, Duration::from_secs(20)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | The caller's transaction is of | It enqueues with |
//! |---|---|
//! | diesel-async | [`enqueue()`], [`enqueue_with`], [`enqueue_all`] … |
//! | tokio-postgres | [`enqueue_in`], [`enqueue_in_with`] |
//! | sqlx of any version, `postgres`, SeaORM | [`sql::ENQUEUE`] and [`sql::job`] |
//! | another language | `SELECT sides.enqueue('welcome', '{"name": "Ada"}')` |
//! | nobody's: only the job is written, and an outage may be waited for | [`Enqueuer`] |
//!
//! A handler is tested without a database:
//!
//! ```
//! # use sides_queue::{Context, Job, JobError, Registry, testing};
//! # #[derive(serde::Serialize, serde::Deserialize)]
//! # struct Welcome { name: String }
//! # impl Job for Welcome { const KIND: &'static str = "welcome"; }
//! # async fn welcome(_: Welcome, _: Context<()>) -> Result<(), JobError> { Ok(()) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::new(()).handle::<Welcome, _>(welcome);
//! let ran = testing::run(&registry, &Welcome { name: "Ada".to_owned() }).await?;
//! assert_eq!(ran.outcome, "finished");
//! # Ok(())
//! # }
//! ```
//!
//! The table is fang's (`sides.fang_tasks`), so a stock fang 0.11 application can enqueue into it; with the feature `fang`
//! its job types run here as they are. A job waits in that table until a [`Runner`] that knows its kind claims it; when it
//! is over it moves to `sides.job_history`.
//!
//! Never knows an application, HTTP or any handler.

mod admissible;
mod arguments;
#[doc(hidden)]
pub mod bench;
mod context;
mod control;
mod enqueue;
mod enqueuer;
mod error;
mod insert;
#[cfg(feature = "fang")]
mod interop;
mod job_id;
mod life;
mod migrations;
mod named;
pub mod notes;
mod options;
mod overview;
mod prepared;
mod registry;
mod retention;
mod runner;
pub mod sql;
mod tables;
pub mod testing;
mod transaction;

// What the signatures here name, so that nobody needs these crates, in these versions, for it.
pub use chrono;
pub use database::{ConnectError, Connection, DatabaseUrl, Json, Moment, UrlError, Words};
pub use job::{Backoff, Job, Policy};
pub use serde_json;
pub use tokio_postgres;
pub use tokio_util::sync::CancellationToken;
pub use uuid::Uuid;

pub use admissible::OptionsFault;
pub use arguments::ArgumentsFault;
pub use context::Context;
pub use control::{Cancelled, Limits, Scope, cancel, limit, pause, resume, retry};
pub use enqueue::{
    EnqueueError, enqueue, enqueue_all, enqueue_all_unique, enqueue_all_with, enqueue_named, enqueue_with,
};
pub use enqueuer::{Enqueuer, OnOutage};
pub use error::JobError;
#[cfg(feature = "fang")]
pub use interop::{FangQueue, fang_kinds};
pub use job_id::JobId;
pub use life::{AttemptSeen, JobSeen, Life, life};
pub use migrations::{MigrateError, MigrationText, Migrations, hand_over, migrate, migrations};
pub use named::{NamedJob, enqueue_all_named};
pub use options::{OnConflict, Options, Unique, UniqueUntil};
pub use overview::{Depth, KindOverview, depth, overview};
pub use registry::{Handler, Registry};
pub use retention::keep_history;
pub use runner::{Metrics, Part, Runner, RunnerConfig, RunnerError};
pub use schema::jobs::change::{Change, Which};
pub use transaction::{enqueue_in, enqueue_in_with};

/// The tables that this crate uses, for a process' manifest.
pub const SCHEMA: manifest::Tables = manifest::tables!("src/tables.rs");
