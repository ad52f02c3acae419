//! The command line.
//!
//! Never knows handlers.

mod annotations;
mod attach;
mod cargo;
mod cli;
mod completions;
mod control;
mod dev;
mod display;
mod feed;
mod git;
mod host;
mod inputs;
mod instances;
mod jobs;
mod logs;
mod loopback;
mod outcome;
mod places;
mod plan;
mod ps;
mod rehearse;
mod release;
mod releases;
mod restart;
mod scale;
mod scaling;
mod schedules;
mod schema;
mod setup;
mod status;
mod stop;
mod who;
mod workspace;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    cli::{Arguments, Command, Place},
    outcome::Outcome,
    workspace::Workspace,
};

fn main() -> ExitCode {
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
    if let Command::Completions { shell } = arguments.command {
        completions::print(shell);
        return Ok(ExitCode::SUCCESS);
    }
    let workspace = Workspace::find(arguments.root.as_deref())?;
    // Two threads: one may be busy with the terminal while the other keeps the processes.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        Ok(match arguments.command {
            Command::Dev(options) => dev::run(&workspace, options).await?.into(),
            Command::Status { json } => status::run(&workspace, json).await?.into(),
            Command::Host(options) if options.replace => host::replace(&workspace).await?.into(),
            Command::Host(options) => host::run(&workspace, &options).await?.into(),
            Command::Plan(options) => plan::run(&workspace, &options).await?.into(),
            Command::Release(options) => release::run(&workspace, &options).await?.into(),
            Command::Rehearse(options) => rehearse::run(&workspace, &options).await?.into(),
            Command::Rollback(options) => release::run_back(&workspace, &options).await?.into(),
            Command::Receipts { count, json } => {
                release::list_receipts(&workspace, count, json).await?.into()
            }
            Command::Receipt { number, json } => {
                release::show_receipt(&workspace, number, json).await?.into()
            }
            Command::Restart { process, reason } => restart::run(&workspace, &process, reason).await?.into(),
            Command::Scale { process, count, here, reason } => {
                scale::run(&workspace, &process, count, here, reason).await?.into()
            }
            Command::Up(options) => host::up(&workspace, &options).await?.into(),
            Command::Ps { json } => ps::run(&workspace, json).await?.into(),
            Command::Logs(options) => logs::run(&workspace, &options).await?.into(),
            Command::KeepSocket => {
                platform::local::socket_keeper::keep(&workspace.run_folder())?;
                ExitCode::SUCCESS
            }
            Command::Setup { place: Place::Heroku(options) } => {
                setup::run(&workspace, &options).await?.into()
            }
            Command::Scaling { command } => scaling::run(&workspace, command).await?.into(),
            Command::Stop => stop::run(&workspace).await?.into(),
            Command::Migration { command, common } => schema::run(&workspace, command, common).await?,
            Command::Jobs { command } => jobs::run(&workspace, command).await?.into(),
            Command::Schedule { command } => schedules::run(&workspace, command).await?.into(),
            Command::Completions { shell } => {
                completions::print(shell);
                ExitCode::SUCCESS
            }
        })
    })
}
