//! What every process does: configuration, logs, metrics, health, drain, heartbeat.
//!
//! A binary is its name, how its configuration is read, and its work; [`Definition`] does the rest. It reads the
//! environment and names every fault at once, opens the ops server, waits for a migrated database, keeps the
//! instance's row alive, and turns SIGTERM into a drain. Never knows models or jobs.
//!
//! ```no_run
//! use std::{process::ExitCode, time::Duration};
//!
//! use sides_process::Definition;
//!
//! fn main() -> ExitCode {
//!     Definition::new("mailer", "Sends mail.").run(
//!         |environment| environment.seconds("MAIL_EVERY", 60, 1..=3600),
//!         |process, every: Duration| async move {
//!             while !process.drain.is_started() {
//!                 println!("nothing to send; again in {every:?}");
//!                 tokio::select! {
//!                     () = tokio::time::sleep(every) => {}
//!                     () = process.drain.started() => {}
//!                 }
//!             }
//!             Ok(())
//!         },
//!     )
//! }
//! ```

mod compatibility;
mod complaint;
mod declaration;
mod definition;
mod drain;
mod environment;
mod flags;
mod gate;
mod health;
mod heartbeat;
mod host;
mod lifecycle;
pub mod listen;
mod logs;
mod loops;
mod metrics;
mod ops;
mod process;
mod pulse;
mod questions;
mod rebinding;
mod rights;
mod scale;
mod secret;
mod settings;
mod signals;
mod status;

pub use crate::process::Process;
pub use complaint::Complaint;
pub use declaration::{Contract, Declaration};
pub use definition::Definition;
pub use drain::Drain;
pub use environment::{Environment, Fault};
pub use health::{Check, Health};
pub use logs::{Chain, chain};
pub use scale::{AskError, request_scale};
pub use secret::Secret;

/// The tables that this crate uses, for a [`Declaration`].
pub const SCHEMA: manifest::Tables = &[::schema::table("instances"), ::schema::table("scale_requests")];
