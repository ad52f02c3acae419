//! What makes a type a job: its kind, version, arguments and policy, and nothing else.
//!
//! An application declares its jobs in a crate of its own that depends on this one. Anyone who enqueues needs no
//! more than that; handlers live in the worker. This crate never knows a database, tokio or another crate of
//! the chassis.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use sides_job::{Job, Policy};
//!
//! #[derive(Debug, Serialize, Deserialize)]
//! struct SendReport {
//!     person_id: i64,
//! }
//!
//! impl Job for SendReport {
//!     const KIND: &'static str = "send_report";
//!     const POLICY: Policy = Policy { max_attempts: 5, ..Policy::DEFAULT };
//! }
//!
//! assert_eq!(sides_job::fields::<SendReport>()["person_id"], "integer");
//! assert_eq!(SendReport::POLICY.backoff.delay(2).as_secs(), 10);
//! ```

mod contract;
mod fields;
mod policy;

pub use contract::Job;
pub use fields::fields;
pub use policy::{Backoff, Policy};
