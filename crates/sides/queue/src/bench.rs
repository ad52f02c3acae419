//! The runner's statements, for a benchmark that runs them in a bare loop. No part of the interface.

pub use crate::runner::bench::{CLAIM, CLAIM_PARTS, FINISH, SETTINGS};
