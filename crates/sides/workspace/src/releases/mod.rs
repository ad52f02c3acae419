//! The kept builds, by their bytes, and which of them are running.

mod digest;
mod history;
mod leftovers;
#[cfg(test)]
mod model;
mod progress;
mod record;
mod said;
mod schema_program;
mod state;
mod status;
mod store;

use std::collections::BTreeMap;

pub use digest::Digest;
pub use history::{Entry, History, Seen};
pub use leftovers::ask_for_room;
pub use progress::{Interrupted, Noted, Stage, StepId};
pub use record::{DIRTY, Record};
pub use said::has_role;
pub use status::{End, State, Status};
pub use store::Store;

/// Which release each process runs.
pub type Set = BTreeMap<String, Digest>;
