//! The command line `sides`, as a library: a workspace of its own calls [`main`] in a small program.
//!
//! One module a command, with its arguments beside its code; `cli` is their table. Never knows handlers.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     sides_cli::main()
//! }
//! ```

mod annotations;
mod cli;
mod completions;
mod dev;
mod doctor;
mod drill;
mod host;
mod jobs;
mod logs;
mod manual;
mod names;
mod new;
mod obstacles;
mod outcome;
mod plan;
mod progress;
mod ps;
mod reason;
mod receipt_text;
mod receipts;
mod rehearse;
mod release;
mod releases;
mod restart;
mod rollback;
mod scale;
mod scaling;
mod schedules;
mod schema;
mod setup;
mod status;
mod stop;
mod version;
mod watching;

use std::process::ExitCode;

use clap::Parser as _;

use workspace::{Outcome, Workspace};

use crate::cli::{Arguments, Command};

/// Runs the command that the process was started with. Its exit codes are in `sides --help`.
#[must_use]
pub fn main() -> ExitCode {
    terminal::end_with_reader();
    completions::answer();
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            outcome::explain(&error);
            Outcome::Failed.into()
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if let Command::Completions(options) = &arguments.command {
        completions::print(options)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Manual(options) = &arguments.command {
        manual::write(options)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::New(options) = &arguments.command {
        return new::run(arguments.root.as_deref(), options);
    }
    let arguments = match arguments {
        Arguments { command: Command::StandIn(options), .. } => return drill::stand_in(options),
        arguments => arguments,
    };
    let workspace = Workspace::find(arguments.root.as_deref())?;
    if arguments.command.runs_processes() {
        workspace.say_what_is_left_out();
    }
    // Two threads: one may be busy with the terminal while the other keeps the processes.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        Ok(match arguments.command {
            Command::Dev(options) => dev::run(&workspace, options).await?.into(),
            Command::Doctor(options) => doctor::run(&workspace, &options).await?.into(),
            Command::Status(options) => status::run(&workspace, &options).await?.into(),
            Command::Host(options) => host::run(&workspace, &options).await?.into(),
            Command::Plan(options) => plan::run(&workspace, &options).await?.into(),
            Command::Release(options) => release::run(&workspace, options).await?,
            Command::Rehearse(options) => rehearse::run(&workspace, options).await?.into(),
            Command::Drill(options) => drill::run(&workspace, options).await?.into(),
            Command::StandIn(options) => drill::stand_in(options)?,
            Command::Rollback(options) => rollback::run(&workspace, options).await?.into(),
            Command::Releases(options) => releases::run(&workspace, &options)?.into(),
            Command::Receipts(options) => receipts::list(&workspace, &options).await?.into(),
            Command::Receipt(options) => receipts::show(&workspace, &options).await?.into(),
            Command::Restart(options) => restart::run(&workspace, options).await?.into(),
            Command::Scale(options) => scale::run(&workspace, options).await?.into(),
            Command::Up(options) => host::up(&workspace, &options).await?.into(),
            Command::Ps(options) => ps::run(&workspace, &options).await?.into(),
            Command::Logs(options) => logs::run(&workspace, &options).await?.into(),
            Command::KeepSocket => {
                platform::local::socket_keeper::keep(&workspace.run_folder())?;
                ExitCode::SUCCESS
            }
            Command::Setup { place: setup::Place::Heroku(options) } => {
                setup::run(&workspace, &options).await?.into()
            }
            Command::Scaling { command } => scaling::run(&workspace, command).await?.into(),
            Command::Stop => stop::run(&workspace).await?.into(),
            Command::Migration { command, common } => schema::run(&workspace, command, common).await?,
            Command::Jobs { command } => jobs::run(&workspace, command).await?.into(),
            Command::Schedule { command } => schedules::run(&workspace, command).await?.into(),
            Command::New(options) => new::run(arguments.root.as_deref(), &options)?,
            Command::Completions(options) => {
                completions::print(&options)?;
                ExitCode::SUCCESS
            }
            Command::Manual(options) => {
                manual::write(&options)?;
                ExitCode::SUCCESS
            }
        })
    })
}
