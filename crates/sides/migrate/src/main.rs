//! `migrate`: the schema, ahead of the processes.

use std::process::ExitCode;

use clap::Parser;
use database::DatabaseUrl;
use sides_migrate::cli::{self, Command, Common, EXIT_CODES};

/// Change the schema of DATABASE_URL ahead of the processes. Without a command: up
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let command = arguments.command.unwrap_or_else(|| Command::Up(cli::Up::default()));
    if let Some(outcome) = cli::without_database(&command, &arguments.common) {
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
            eprintln!("error: no threads or files to work with: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(cli::run(&url, command, &arguments.common)).into()
}

fn database_url() -> Result<DatabaseUrl, String> {
    let text = std::env::var("DATABASE_URL").map_err(
        |_| "DATABASE_URL is not set; set it to an address like postgres://user:password@host:5432/database",
    )?;
    text.parse().map_err(|fault| format!("DATABASE_URL {fault}"))
}
