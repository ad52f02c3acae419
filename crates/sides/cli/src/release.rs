//! `sides release`, and the output of a finished one.

use std::path::PathBuf;

use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use deploy::release::{Ended, ReleaseOptions};
use workspace::{Outcome, Workspace};

use crate::{
    names::complete, obstacles, outcome::no_host, progress::OnScreen, receipt_text, watching::Watching,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these processes.
    #[arg(long, value_name = "PROCESS", add = ArgValueCompleter::new(complete::processes))]
    only: Vec<String>,
    /// Show what would be done, without doing it.
    #[arg(long)]
    dry_run: bool,
    /// Use a kept build instead of a new one, by its digest or an unambiguous prefix of it.
    #[arg(long = "build", value_name = "DIGEST", conflicts_with = "only")]
    builds: Vec<String>,
    /// Builds that are kept already, instead of a build.
    #[arg(long, hide = true, value_name = "FILE", conflicts_with = "only")]
    prepared: Option<PathBuf>,
    #[command(flatten)]
    watching: Watching,
}

pub(crate) async fn run(workspace: &Workspace, options: Options) -> anyhow::Result<Outcome> {
    let Options { only, dry_run, builds, prepared, watching } = options;
    let (json, progress) = (watching.json, watching.progress(workspace));
    let options = ReleaseOptions { only, dry_run, builds, prepared, watching: watching.into() };
    let ended = deploy::release::run(workspace, &options, &progress).await?;
    conclude(&ended, json, &progress)
}

/// Shows the receipt, if there is one.
pub(crate) fn conclude(ended: &Ended, json: bool, progress: &OnScreen<'_>) -> anyhow::Result<Outcome> {
    Ok(match ended {
        Ended::NoHost => no_host(),
        Ended::NothingToDo => Outcome::NothingToDo,
        Ended::Shown => Outcome::Done,
        Ended::Refused => Outcome::Refused,
        Ended::Hindered(obstacles) => {
            obstacles::show(obstacles);
            Outcome::Failed
        }
        Ended::CarriedOut { receipt, number, .. } => {
            if json {
                println!("{}", serde_json::to_string_pretty(receipt)?);
            } else {
                progress.screen.line(&receipt_text::of(receipt));
                if let Some(number) = number {
                    progress.screen.line(&format!("`sides receipt {number}` shows this again."));
                }
            }
            receipt.outcome.into()
        }
    })
}
