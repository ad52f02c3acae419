//! `sides jobs …`: waiting, running and failed jobs, the history of one, and actions on them.

mod change;
mod command;
mod kinds;
mod list;
mod show;

use database::Connection;

pub(crate) use command::Command;

use workspace::{Outcome, Workspace, with_database};

const STALE: &str = "cannot read the jobs; is the schema up to date? run `sides migration up`";

pub(crate) async fn run(workspace: &Workspace, command: Command) -> anyhow::Result<Outcome> {
    with_database(workspace, async |url| on(&mut database::connect(url).await?, command).await).await
}

async fn on(connection: &mut Connection, command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::List(options) => list::run(connection, &options).await,
        Command::Kinds { json } => kinds::run(connection, json).await,
        Command::Show(options) => show::run(connection, &options).await,
        Command::Retry(options) => change::run(connection, &change::RETRY, &options).await,
        Command::Unpark(options) => change::run(connection, &change::UNPARK, &options).await,
        Command::Cancel(options) => change::run(connection, &change::CANCEL, &options).await,
        Command::Discard(options) => change::run(connection, &change::DISCARD, &options).await,
        Command::Pause(scope) => change::pause(connection, &scope).await,
        Command::Resume(scope) => change::resume(connection, &scope).await,
    }
}
