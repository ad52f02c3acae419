//! The manifest of the worker.

use job::Job;
use process::{Contract, Declaration};

use crate::registry;

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

pub(crate) fn contract<J: Job>() -> Contract {
    Contract {
        kind: J::KIND.to_owned(),
        version: J::VERSION,
        oldest: J::OLDEST,
        aliases: J::ALIASES.iter().map(ToString::to_string).collect(),
        arguments: job::fields::<J>(),
    }
}

/// A job of which only the kind is known: its type was written for fang.
pub(crate) fn undescribed(kind: &str) -> Contract {
    Contract {
        kind: kind.to_owned(),
        version: 1,
        oldest: 1,
        aliases: Vec::new(),
        arguments: std::collections::BTreeMap::new(),
    }
}
