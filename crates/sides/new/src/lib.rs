//! Writes a new application on sides, and later its next job, schedule, process or migration.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use sides_new::{Chassis, Name, add, workspace};
//!
//! # fn main() -> Result<(), sides_new::NewError> {
//! let acme = Path::new("acme");
//! workspace(&Name::read("acme")?, acme, &Chassis::at(Path::new("../sides"))?)?;
//! add::job(acme, &Name::read("send_report")?)?;
//! add::schedule(acme, &Name::read("report")?, "0 9 * * 1-5", &Name::read("send_report")?)?;
//! # Ok(())
//! # }
//! ```
//!
//! What is written is an ordinary workspace: nothing in it depends on this crate. Whatever is there already is never
//! overwritten, and nothing is written at all when a part of it cannot be.

pub mod add;
mod changes;
mod chassis;
mod edit;
mod error;
mod git;
mod name;
mod outer;
mod templates;
mod workspace;

pub use changes::Written;
pub use chassis::Chassis;
pub use error::NewError;
pub use git::git_init;
pub use name::Name;
pub use outer::outer_workspace;
pub use workspace::workspace;
