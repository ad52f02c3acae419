//! `sides release`, and the output of a finished one.

mod detached;
mod found;
mod status;
mod status_text;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCompleter;
use deploy::release::{Ended, ReleaseOptions};
use workspace::{Outcome, Workspace};

use crate::{
    names::complete, obstacles, outcome::no_host, progress::OnScreen, receipt_text, watching::Watching,
};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// Only these processes.
    #[arg(long, value_name = "PROCESS", add = ArgValueCompleter::new(complete::processes))]
    only: Vec<String>,
    /// Show what would be done, without doing it.
    #[arg(long)]
    dry_run: bool,
    /// Build in the foreground and release in the background: return as soon as the release has begun.
    ///
    /// Builds, checks and the order are shown as usual; whatever ends the release before it begins ends this command, with
    /// its exit code. After that, `sides release status` shows how the release stands, and `sides rollback` stops it.
    #[arg(long, conflicts_with_all = ["dry_run", "json", "prepared"])]
    detach: bool,
    /// Use a kept build instead of a new one, by its digest or an unambiguous prefix of it.
    #[arg(long = "build", value_name = "DIGEST", conflicts_with = "only")]
    builds: Vec<String>,
    /// Builds that are kept already, instead of a build.
    #[arg(long, hide = true, value_name = "FILE", conflicts_with = "only")]
    prepared: Option<PathBuf>,
    #[command(flatten)]
    watching: Watching,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show how the release in progress stands, or how the last one ended, detached or not.
    ///
    /// Exit code 0 if it is in progress or ended well; otherwise that of the release. A release whose process was killed
    /// counts as not undone (7) until `sides rollback` or `sides release` has taken it up.
    #[command(after_help = status::EXIT_CODES)]
    Status(status::Options),
}

pub(crate) async fn run(workspace: &Workspace, options: Options) -> anyhow::Result<ExitCode> {
    let Options { command, only, dry_run, detach, builds, prepared, watching } = options;
    if let Some(Command::Status(options)) = command {
        return status::run(workspace, &options).await;
    }
    let (json, progress) = (watching.json, watching.progress(workspace));
    let options = ReleaseOptions { only, dry_run, builds, prepared, watching: watching.limited(workspace)? };
    if detach {
        return detached::run(workspace, &options, &progress).await;
    }
    let ended = deploy::release::run(workspace, &options, &progress).await?;
    Ok(conclude(&ended, json, &progress)?.into())
}

/// Shows the receipt, if there is one.
pub(crate) fn conclude(ended: &Ended, json: bool, progress: &OnScreen<'_>) -> anyhow::Result<Outcome> {
    match ended {
        Ended::NoHost => drop(no_host()),
        Ended::NothingToDo | Ended::Shown | Ended::Refused => {}
        Ended::Hindered(obstacles) => obstacles::show(obstacles),
        Ended::CarriedOut { receipt, .. } if json => println!("{}", serde_json::to_string_pretty(receipt)?),
        Ended::CarriedOut { receipt, number, .. } => {
            progress.screen.line(&receipt_text::of(receipt));
            if let Some(number) = number {
                progress.screen.line(&format!("`sides receipt {number}` shows this again."));
            }
        }
    }
    Ok(ended.outcome())
}
