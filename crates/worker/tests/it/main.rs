//! The worker against a real Postgres, real local servers and real signals.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod contents;
mod failover;
mod fetching;
mod fixture;
mod history;
mod odd_rows;
mod outage;
mod own_processes;
mod pinging;
mod private;
mod processes;
mod racing;
mod secure;
mod server;
mod webhooks;
mod witness;
