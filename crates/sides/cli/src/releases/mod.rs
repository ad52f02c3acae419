//! What was built to run, kept by its bytes, and which of it runs.

mod digest;
mod history;
mod leftovers;
#[cfg(test)]
mod model;
mod progress;
mod record;
mod store;

use std::collections::BTreeMap;

pub(crate) use digest::Digest;
pub(crate) use history::{Entry, History, Seen};
pub(crate) use leftovers::ask_for_room;
pub(crate) use progress::{Interrupted, Noted, Stage};
pub(crate) use record::{DIRTY, Record};
pub(crate) use store::Store;

/// Which release each process runs.
pub(crate) type Set = BTreeMap<String, Digest>;
