//! The manifest of web.

use job::Job;
use process::{Contract, Declaration};

/// The tables that web uses, and the jobs that it enqueues. A test compares those with the code.
pub(crate) fn declaration() -> Declaration {
    Declaration::new()
        .listens()
        .secret("ADMIN_TOKEN")
        .tables(sides_web::SCHEMA)
        .tables(models::SCHEMA)
        .tables(queue::SCHEMA)
        .enqueues([contract::<jobs::PingService>()])
}

fn contract<J: Job>() -> Contract {
    Contract {
        kind: J::KIND.to_owned(),
        version: J::VERSION,
        oldest: J::OLDEST,
        aliases: J::ALIASES.iter().map(ToString::to_string).collect(),
        arguments: job::fields::<J>(),
    }
}
