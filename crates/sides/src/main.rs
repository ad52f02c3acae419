//! The command line.
//!
//! Never knows handlers.

mod attach;
mod cli;
mod completions;
mod control;
mod dev;
mod display;
mod outcome;
mod status;
mod stop;
mod workspace;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    cli::{Arguments, Command},
    outcome::Outcome,
    workspace::Workspace,
};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            outcome::explain(&error);
            Outcome::Failed.into()
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    if let Command::Completions { shell } = arguments.command {
        return completions::print(shell);
    }
    let workspace = Workspace::find(arguments.root.as_deref())?;
    // Two threads: one may be busy with the terminal while the other keeps the processes.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match arguments.command {
            Command::Dev(options) => dev::run(&workspace, options).await,
            Command::Status { json } => status::run(&workspace, json).await,
            Command::Stop => stop::run(&workspace).await,
            Command::Completions { shell } => completions::print(shell),
        }
    })
}
