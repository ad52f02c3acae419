//! Runs jobs: one handler per job kind.
//!
//! [`registry()`] lists the kinds this build knows; a handler is a file of the same name as its contract in
//! `jobs`. Never knows web or clock.

pub mod fetch;
pub mod webhook;

mod config;
mod contract;
mod declaration;
mod handlers;
mod metrics;
mod own_process;
mod registry;
mod run;
mod state;
mod witness;

pub use config::Config;
pub use declaration::declaration;
pub use registry::registry;
pub use run::run;
pub use state::State;
pub use witness::{AddressFault, Addresses};
