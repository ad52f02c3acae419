//! `sides scaling …`: what was decided about the number of copies, and what the policy would do with other traffic.

mod chart;
mod command;
mod log;
mod simulate;
mod svg;
mod trace;

use anyhow::Context as _;
use cluster::{Cluster, Opened, Settings};
use database::Connection;

pub(crate) use command::Command;

use crate::{dev, outcome::Outcome, workspace::Workspace};

pub(crate) async fn run(workspace: &Workspace, command: Command) -> anyhow::Result<Outcome> {
    if let Command::Simulate(options) = &command
        && let Some(jobs) = trace::without_database(&options.traffic)?
    {
        return simulate::run(options, &jobs);
    }
    if let Some(url) = dev::named_database()? {
        return on(&mut database::connect(&url).await?, command).await;
    }
    workspace.create_folders()?;
    // The one that a `dev` runs, or one that lives as long as this command.
    let opened = Cluster::open(workspace.postgres_folder(), Settings::default()).await?;
    let url = opened.url().parse().context("the private Postgres has no address that is understood")?;
    let outcome = match database::connect(&url).await {
        Ok(mut connection) => on(&mut connection, command).await,
        Err(error) => Err(error.into()),
    };
    if let Opened::Started(cluster) = opened {
        cluster.stop().await;
    }
    outcome
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
