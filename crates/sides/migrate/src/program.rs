//! The whole program, for the `main` of an application.

use std::process::ExitCode;

use clap::Parser;
use database::DatabaseUrl;
use diesel::{migration::MigrationSource, pg::Pg};

use crate::{
    Migration, Sources,
    cli::{self, Command, Common, EXIT_CODES},
};

/// Change the schema of DATABASE_URL ahead of the processes. Without a command: up
#[derive(Debug, Parser)]
#[command(name = "migrate", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    common: Common,
}

/// The program of an application that has its migrations built in; the chassis' run with them.
///
/// ```text
/// const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");
/// const METADATA: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/metadata.rs"));
///
/// fn main() -> ExitCode {
///     sides_migrate::main(&MIGRATIONS, METADATA)
/// }
/// ```
pub fn main(source: &dyn MigrationSource<Pg>, metadata: &[(&str, &str)]) -> ExitCode {
    match Migration::from_source(source, metadata) {
        Ok(own) => run(&Sources::application(own)),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            eprintln!("error: {error}{}", cause.unwrap_or_default());
            ExitCode::FAILURE
        }
    }
}

/// The program on what is in a folder.
#[doc(hidden)]
pub fn run(sources: &Sources) -> ExitCode {
    let arguments = Arguments::parse();
    let command = arguments.command.unwrap_or_else(|| Command::Up(cli::Up::default()));
    if let Some(outcome) = cli::without_database(&command, &arguments.common, sources) {
        return outcome.into();
    }
    let url = match database_url() {
        Ok(url) => url,
        Err(fault) => {
            eprintln!("error: {fault}");
            return ExitCode::from(78);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start a runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async { cli::run(&url, command, &arguments.common, sources).await.into() })
}

fn database_url() -> Result<DatabaseUrl, String> {
    // The server itself, where DATABASE_URL goes through a pooler.
    for name in ["DATABASE_DIRECT_URL", "DATABASE_URL"] {
        if let Some(text) = std::env::var(name).ok().filter(|text| !text.is_empty()) {
            return text.parse().map_err(|fault| format!("{name} {fault}"));
        }
    }
    Err("DATABASE_URL is not set; set it to an address like postgres://user:password@host:5432/database"
        .to_owned())
}
