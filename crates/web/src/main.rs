//! Pages, JSON API and operations overview.

mod api;
mod assets;
mod chassis;
mod config;
mod declaration;
mod draft;
mod fault;
mod history;
mod metrics;
mod pages;
mod protection;
mod routes;
mod schema;
mod server;
mod session;
mod site;
mod tending;
mod visits;
mod watching;

use std::process::ExitCode;

/// Eight database connections serve far more visitors than that: a page holds one for a few milliseconds.
const POOL_SIZE: usize = 8;

fn main() -> ExitCode {
    process::Definition::new("web", "Serves the status pages, the JSON API and the operations overview.")
        .threads(1)
        .pool_size(POOL_SIZE)
        .declares(declaration::declaration())
        .run(config::Config::read, server::run)
}
