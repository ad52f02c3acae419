//! `sides schedule …`: shows what the clock fires, and changes it while it runs.

mod change;
mod command;
mod compatibility;
mod list;
mod postgres_zones;
mod preview;
mod run;
pub(crate) mod said;

use database::Connection;

pub(crate) use command::Command;

use ::schema::schedules::Listed;
use anyhow::bail;
use workspace::{Outcome, Workspace, with_database};

use crate::names::{self, Names};

pub(crate) async fn run(workspace: &Workspace, command: Command) -> anyhow::Result<Outcome> {
    if let Command::Preview(options) = &command
        && options.is_expression()
    {
        return preview::of_expression(options).await;
    }
    with_database(workspace, async |url| on(&mut database::connect(url).await?, command).await).await
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

/// The schedule of this name, or which one was probably meant.
async fn named(connection: &mut Connection, name: &str) -> anyhow::Result<Listed> {
    if let Some(found) = deploy::schedules::find(connection, name).await? {
        return Ok(found);
    }
    let names = names::known(connection, Names::Schedules).await.unwrap_or_default();
    bail!("there is no schedule {name:?}{} (`sides schedule list`)", names::hint(name, &names))
}
