//! From a command to an outcome.

use std::{path::Path, process::ExitCode};

use database::DatabaseUrl;

use super::{Command, Common, report::Report};
use crate::{Event, MigrateError, Migration, Options, Revert, Status, apply, repair, revert, status};

/// How a command ended. Each has an exit code of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was done, or there was nothing to do.
    Done,
    /// It failed and changed nothing.
    Failed,
    /// It was refused and changed nothing.
    Refused,
    /// It failed after some migrations.
    Partial,
    /// Another runner is at work.
    Busy,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::Refused => 3,
            Outcome::Partial => 4,
            Outcome::Busy => 75,
        })
    }
}

/// Does what the command says and prints what happens.
pub async fn run(url: &DatabaseUrl, command: Command, common: &Common) -> Outcome {
    let mut report = Report::new(common.json);
    match execute(url, command, common.folder.as_deref(), &mut report).await {
        Ok(()) => Outcome::Done,
        Err(error) => {
            report.error(&error);
            outcome(&error, report.changed())
        }
    }
}

async fn execute(
    url: &DatabaseUrl,
    command: Command,
    folder: Option<&Path>,
    report: &mut Report,
) -> Result<(), MigrateError> {
    let all = match folder {
        Some(folder) => Migration::read_all(folder)?,
        None => Migration::embedded()?,
    };
    match command {
        Command::Up(up) => {
            let options = Options { wait: !up.no_wait, out_of_order: up.out_of_order, ..Options::default() };
            let names = apply(url, &all, &options, &mut |event: Event| report.event(&event)).await?;
            report.end("applied", &names);
        }
        Command::Down(down) => {
            let options = Options { wait: !down.no_wait, ..Options::default() };
            let which = if down.all { Revert::All } else { Revert::Newest(down.count) };
            let names = revert(url, &all, which, &options, &mut |event: Event| report.event(&event)).await?;
            report.end("reverted", &names);
        }
        Command::Status => {
            let found: Vec<Status> = status(url, &all).await?;
            report.status(&found);
        }
        Command::Repair => {
            let names = repair(url, &all, &Options::default()).await?;
            report.end("accepted", &names);
        }
    }
    Ok(())
}

fn outcome(error: &MigrateError, changed: bool) -> Outcome {
    match error {
        MigrateError::Busy { .. } => Outcome::Busy,
        MigrateError::Refused(_)
        | MigrateError::Migration(_)
        | MigrateError::OwnTransaction(_)
        | MigrateError::NeedsNoTransaction(_)
        | MigrateError::NoWayBack { .. }
        | MigrateError::NotKnown { .. } => Outcome::Refused,
        _ if changed => Outcome::Partial,
        _ => Outcome::Failed,
    }
}
