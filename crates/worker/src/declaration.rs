//! The manifest of the worker.

use process::Declaration;

use crate::{contract::contract, registry};

/// The tables that the worker uses, and the jobs that it works and enqueues. A test compares the latter with the
/// code.
#[must_use]
pub fn declaration() -> Declaration {
    Declaration::new()
        .tables(models::SCHEMA)
        .tables(queue::SCHEMA)
        .handles(registry::contracts())
        .enqueues([contract::<jobs::DeliverWebhook>(), contract::<jobs::PingService>()])
}
