//! The planner against stories, against brute force on random worlds, and against worlds that run.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod agrees;
mod brute_force;
mod build;
mod oracle;
mod random;
mod scheduled;
mod stories;
