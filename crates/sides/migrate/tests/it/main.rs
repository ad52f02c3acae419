//! The runner on a real database.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod agreement;
mod backfills;
mod classes;
mod commands;
mod crashes;
mod defaults;
mod failures;
mod felt;
mod grants;
mod histories;
mod kills;
mod lane;
mod live;
mod load;
mod locks;
mod not_here;
mod proofs;
mod random;
mod recipes;
mod remembered;
mod renames;
mod replica;
mod roles;
mod sessions;
mod terminal;
mod verdicts;
mod waits;
mod whole;
