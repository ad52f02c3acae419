//! `sides schedule …`: what the clock fires, ahead of time and while it runs.

mod change;
mod command;
mod list;
mod preview;
mod rows;
mod run;
mod said;

use anyhow::Context as _;
use cluster::{Cluster, Opened, Settings};
use database::Connection;

pub(crate) use command::Command;

use crate::{dev, outcome::Outcome, workspace::Workspace};

pub(crate) async fn run(workspace: &Workspace, command: Command) -> anyhow::Result<Outcome> {
    if let Command::Preview(options) = &command
        && options.is_expression()
    {
        return preview::of_expression(options);
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
        Command::List { json } => list::run(connection, json).await,
        Command::Preview(options) => preview::of_name(connection, &options).await,
        Command::Add(options) => change::add(connection, options).await,
        Command::Remove { name } => change::remove(connection, &name).await,
        Command::Pause { name } => change::pause(connection, &name).await,
        Command::Resume { name } => change::resume(connection, &name).await,
        Command::Run { name } => run::run(connection, &name).await,
    }
}
