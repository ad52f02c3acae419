//! Pages and JSON API of the status monitor.

mod api;
mod assets;
mod config;
mod declaration;
mod draft;
mod history;
mod pages;
mod routes;
mod site;
mod watching;

use std::process::ExitCode;

use sides_web::Brand;

/// Eight database connections serve far more visitors than that: a page holds one for a few milliseconds.
const POOL_SIZE: usize = 8;

const BRAND: Brand = Brand {
    name: "Status",
    navigation: &[("/operations", "Operations"), ("/webhooks", "Webhooks")],
    styles: &[&assets::STYLE],
    processes: &["web", "worker", "clock"],
    ..Brand::new("sides")
};

fn main() -> ExitCode {
    process::Definition::new("web", "Serves the status pages, the JSON API and the operations overview.")
        .ops_port(3001)
        .threads(1)
        .pool_size(POOL_SIZE)
        .declares(declaration::declaration())
        .run(config::Config::read, async |process, config| {
            let site = sides_web::Site::new(&process, &config.server, BRAND);
            let routes = routes::of(site::Site::new(site.clone(), &config));
            sides_web::serve(process, config.server, site, routes).await
        })
}
