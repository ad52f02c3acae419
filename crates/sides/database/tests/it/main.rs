//! Connections to real servers.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod sessions;
mod tls;
