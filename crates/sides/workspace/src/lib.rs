//! One checkout: its folders, the programs that it builds and what each is made of, the builds that it keeps, and how
//! to reach whatever runs here.
//!
//! What the host, `dev` and a release have in common. Never knows a place beyond this machine, nor a terminal.
//!
//! ```no_run
//! use sides_workspace::Workspace;
//!
//! # fn main() -> Result<(), sides_workspace::WorkspaceError> {
//! let workspace = Workspace::find(None)?;
//! println!("{} keeps its builds in {}", workspace.root().display(), workspace.releases_folder().display());
//! # Ok(())
//! # }
//! ```

pub mod actor;
pub mod cargo;
pub mod control;
mod database;
mod folder;
pub mod inputs;
pub mod instances;
mod loopback;
mod outcome;
mod program;
pub mod releases;
mod stop;
mod targets;

pub use database::{named_database, with_database, with_database_or_new};
pub use folder::{Workspace, WorkspaceError};
pub use loopback::loopback_client;
pub use outcome::Outcome;
pub use program::{Answer, ask_manifest, manifest_of, own_program};
pub use stop::Stop;
pub use targets::{HEROKU_KEY, targets};
