//! What makes a type a job: its kind, version, arguments and policy, and nothing else.
//!
//! An application declares its jobs in a crate of its own that depends on this one. Anyone who enqueues needs no
//! more than that; handlers live in the worker. This crate never knows a database, tokio or another crate of
//! the chassis.

mod contract;
mod fields;
mod policy;

pub use contract::Job;
pub use fields::fields;
pub use policy::{Backoff, Policy};
