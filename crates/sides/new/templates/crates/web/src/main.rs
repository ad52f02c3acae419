//! Serves the pages.

mod pages;
mod routes;

use std::process::ExitCode;

use process::Declaration;
use sides_web::{Brand, Config, Site};

const NAME: &str = "{{name}}";
const TITLE: &str = "{{title}}";
/// What the operations page expects to run.
const PROCESSES: &[&str] = &["web", "worker", "clock"];
const BRAND: Brand = Brand { name: TITLE, processes: PROCESSES, ..Brand::new(NAME) };

fn main() -> ExitCode {
    let declaration = Declaration::new()
        .listens()
        .secret(BRAND.secret_variable)
        .tables(sides_web::SCHEMA)
        .tables(models::SCHEMA)
        .tables(queue::SCHEMA);
    process::Definition::new("web", "Serves the pages.").ops_port(3001).declares(declaration).run(
        |environment| Config::read(environment, &BRAND),
        async |process, config| {
            let site = Site::new(&process, &config, BRAND)?;
            sides_web::serve(process, config, site, routes::configure).await
        },
    )
}
