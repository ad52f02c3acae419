//! Schema changes ahead of the processes.
//!
//! Migrations are folders in diesel's format, recorded in diesel's table. One runner works at a time, held by an
//! advisory lock that dies with its session. Each migration is one transaction where Postgres allows it; a lock
//! that is not to be had soon is given up and tried again, so that no queue forms behind it. What a crash leaves
//! half done outside a transaction, the next run finds and completes.
//!
//! Diesel says what a migration is, and its table says what is applied: its sources, its command line and its harness
//! work on the same database before and after. What it lacks is here: phases, locks, checks, backfills, recovery.
//!
//! ```no_run
//! use sides_migrate::Migration;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let people = Migration::new(
//!     "2026-01-01-000000_people",
//!     "CREATE TABLE people (name text NOT NULL);",
//!     "DROP TABLE people;",
//! );
//! let url = "postgres://localhost/acme".parse()?;
//! for applied in sides_migrate::up(&url, &sides_migrate::with_chassis(vec![people])?).await? {
//!     println!("{applied:?}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Never knows web, worker or clock.

mod apart;
pub mod backfill;
pub mod check;
pub mod class;
pub mod cli;
mod concurrent;
mod drift;
mod error;
pub mod grants;
mod identity;
mod ledger;
mod library;
mod metadata;
mod migration;
mod options;
mod patience;
mod phases;
mod plan;
mod preview;
mod program;
pub mod recipe;
mod recover;
mod redact;
mod rehearse;
mod roles;
mod runner;
mod said;
mod script;
mod scripts;
mod session;
mod sessions;
pub mod shadow;
mod source;
pub mod sql;
mod status;
mod step;
mod watch;

pub use backfill::{Pace, PaceOptions, Progress, Standing, backfill};
pub use drift::drift;
pub use error::{MigrateError, Site};
pub use ledger::Applied;
pub use library::{Sources, chassis, with_chassis};
pub use metadata::Metadata;
pub use migration::{Migration, MigrationError, fingerprint};
pub use options::{Event, Options};
pub use phases::{choose, phase};
pub use plan::{Refusal, pending};
pub use preview::{Planned, PlannedStatement, preview, try_scratch};
pub use program::{main, run};
pub use roles::ensure_roles;
pub use runner::{Revert, apply, revert, up};
pub use said::Said;
pub use source::ForDiesel;
pub use status::{State, Status, repair, status};
