//! `sides scaling …`: past scaling decisions, and a simulation of the policy.

mod chart;
mod command;
mod log;
mod simulate;
mod svg;
mod trace;

use database::Connection;

pub(crate) use command::Command;

use workspace::{Outcome, Workspace, with_database};

pub(crate) async fn run(workspace: &Workspace, command: Command) -> anyhow::Result<Outcome> {
    if let Command::Simulate(options) = &command
        && let Some(jobs) = trace::without_database(&options.traffic)?
    {
        return simulate::run(options, &jobs);
    }
    with_database(workspace, async |url| on(&mut database::connect(url).await?, command).await).await
}

async fn on(connection: &mut Connection, command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Log { json, count } => log::run(connection, json, count).await,
        Command::Simulate(options) => {
            let jobs = trace::recorded(connection, options.hours).await?;
            simulate::run(&options, &jobs)
        }
    }
}
