//! Runs a command.

use std::path::Path;

use database::DatabaseUrl;

use super::{
    Command, Common, annotations, backfills, check, export, grants, new, outcome::Outcome, report::Report,
};
use crate::{
    Event, MigrateError, Options, Planned, Revert, Sources, Status, apply, drift, preview, repair, revert,
    shadow::ShadowError, status,
};

/// Where a checkout keeps them.
const FOLDER: &str = "migrations";

/// Does what the command says and prints what happens.
pub async fn run(url: &DatabaseUrl, command: Command, common: &Common, sources: &Sources) -> Outcome {
    let mut report = Report::new(common.json);
    let annotates = annotations::are_wanted(matches!(&command, Command::Check(check) if check.annotate));
    match execute(url, command, common.folder.as_deref(), sources, &mut report).await {
        Ok(Outcome::Nothing) if !common.detailed_exit_code => Outcome::Done,
        Ok(outcome) => outcome,
        Err(error) => {
            report.error(&error);
            let folder = common.folder.as_deref().unwrap_or_else(|| Path::new(FOLDER));
            if let Some(command) = annotations::of(&error, folder).filter(|_| annotates) {
                report.annotate(&command);
            }
            outcome(&error, report.changed())
        }
    }
}

/// Does a command that needs no database, if it is one.
#[must_use]
pub fn without_database(command: &Command, common: &Common, sources: &Sources) -> Option<Outcome> {
    let mut report = Report::new(common.json);
    let folder = common.folder.as_deref().unwrap_or_else(|| Path::new(FOLDER));
    let done = match command {
        Command::New { name } => make(folder, name, &report),
        Command::Export { to } => write(to, common.folder.as_deref(), sources, &report),
        _ => return None,
    };
    Some(done.unwrap_or_else(|error| {
        report.error(&error);
        Outcome::Failed
    }))
}

fn make(folder: &Path, name: &str, report: &Report) -> Result<Outcome, MigrateError> {
    let made = new::new(folder, name)?;
    report.made(&folder.join(made));
    Ok(Outcome::Done)
}

fn write(
    to: &Path,
    folder: Option<&Path>,
    sources: &Sources,
    report: &Report,
) -> Result<Outcome, MigrateError> {
    let names = export::export(&sources.all(folder, Path::new(FOLDER))?, to)?;
    Ok(ended(report, "exported", &names))
}

async fn execute(
    url: &DatabaseUrl,
    command: Command,
    folder: Option<&Path>,
    sources: &Sources,
    report: &mut Report,
) -> Result<Outcome, MigrateError> {
    let files = folder.unwrap_or_else(|| Path::new(FOLDER));
    let all = || sources.all(folder, Path::new(FOLDER));
    Ok(match command {
        Command::New { name } => make(files, &name, report)?,
        Command::Export { to } => write(&to, folder, sources, report)?,
        Command::Check(options) => {
            let is_refused =
                check::run(url, files, &sources.all(Some(files), files)?, &options, report).await?;
            if is_refused { Outcome::Refused } else { Outcome::Done }
        }
        Command::Plan(options) => {
            let planned = preview(url, options.shadow.as_ref(), &all()?).await?;
            report.plan(&planned);
            planned_outcome(&planned)
        }
        Command::Up(up) => {
            let default = Options::default();
            let options = Options {
                tries: up.tries.unwrap_or(default.tries),
                wait: !up.no_wait,
                out_of_order: up.out_of_order,
                phase: up.phase,
                only: up.only,
                ..default
            };
            let names = apply(url, &all()?, &options, &mut |event: Event| report.event(&event)).await?;
            ended(report, "applied", &names)
        }
        Command::Backfill { order } => backfills::run(url, &all()?, order, report).await?,
        Command::Grants(options) => grants::run(url, &options, report).await?,
        Command::Down(down) => {
            let options = Options { wait: !down.no_wait, rehearse: !down.anyway, ..Options::default() };
            let which = if down.all { Revert::All } else { Revert::Newest(down.count) };
            let names =
                revert(url, &all()?, which, &options, &mut |event: Event| report.event(&event)).await?;
            ended(report, "reverted", &names)
        }
        Command::Status(options) => {
            let all = all()?;
            let found: Vec<Status> = status(url, &all).await?;
            report.status(&found);
            if !options.drift {
                return Ok(Outcome::Done);
            }
            let drift = drift(url, options.shadow.as_ref(), &all).await?;
            report.drift(&drift);
            if drift.is_empty() { Outcome::Done } else { Outcome::Refused }
        }
        Command::Repair => {
            let names = repair(url, &all()?, &Options::default()).await?;
            ended(report, "accepted", &names)
        }
    })
}

fn planned_outcome(planned: &[Planned]) -> Outcome {
    if planned.iter().any(|one| !one.problems.is_empty()) {
        return Outcome::Refused;
    }
    if planned.is_empty() { Outcome::Nothing } else { Outcome::Done }
}

fn ended(report: &Report, verb: &str, names: &[String]) -> Outcome {
    report.end(verb, names);
    if names.is_empty() { Outcome::Nothing } else { Outcome::Done }
}

fn outcome(error: &MigrateError, changed: bool) -> Outcome {
    match error {
        MigrateError::Busy { .. } => Outcome::Busy,
        MigrateError::Pooled => Outcome::Unusable,
        MigrateError::Refused(_)
        | MigrateError::Migration(_)
        | MigrateError::Shadow(ShadowError::Apply { .. } | ShadowError::NoExtension { .. })
        | MigrateError::OwnTransaction(_)
        | MigrateError::NeedsNoTransaction(_)
        | MigrateError::NotForTheServer { .. }
        | MigrateError::NoWayBack { .. }
        | MigrateError::DownFails { .. }
        | MigrateError::NotTheReverse { .. }
        | MigrateError::NotKnown { .. }
        | MigrateError::NotInBatches { .. } => Outcome::Refused,
        MigrateError::Paused { .. } => Outcome::Partial,
        _ if changed => Outcome::Partial,
        _ => Outcome::Failed,
    }
}
