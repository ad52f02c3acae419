//! Pages and JSON API of the status monitor.

mod api;
mod assets;
mod brand;
mod config;
mod declaration;
mod draft;
mod history;
mod moment;
mod pages;
mod routes;
mod site;
mod watching;

use std::{process::ExitCode, time::Duration};

use database::Limits;

/// Eight database connections serve far more visitors than that: a page holds one for a few milliseconds.
const POOL_SIZE: usize = 8;

/// A reader that waits longer has gone; a lock that lasts longer is said to be in the way.
const LIMITS: Limits = Limits { statement: Some(Duration::from_secs(5)), lock: Some(Duration::from_secs(3)) };

fn main() -> ExitCode {
    process::Definition::new("web", "Serves the status pages, the JSON API and the operations overview.")
        .ops_port(3001)
        .threads(1)
        .pool_size(POOL_SIZE)
        .limits(LIMITS)
        .declares(declaration::declaration())
        .run(config::Config::read, async |process, config| {
            let site = sides_web::Site::new(&process, &config.server, brand::BRAND)?;
            let routes = routes::of(site::Site::new(site.clone(), &config));
            sides_web::serve(process, config.server, site, routes).await
        })
}
