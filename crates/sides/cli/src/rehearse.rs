//! `sides rehearse`.

use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use workspace::{Outcome, Workspace};

use crate::{names::complete, watching::Watching};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these processes.
    #[arg(long, value_name = "PROCESS", add = ArgValueCompleter::new(complete::processes))]
    only: Vec<String>,
    /// An environment variable that the programs need: NAME with its value here, or NAME=VALUE.
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    environment: Vec<String>,
    /// Do not enqueue generated jobs.
    #[arg(long)]
    no_jobs: bool,
    #[command(flatten)]
    watching: Watching,
}

pub(crate) async fn run(workspace: &Workspace, options: Options) -> anyhow::Result<Outcome> {
    let Options { only, environment, no_jobs, watching } = options;
    let (json, progress) = (watching.json, watching.progress(workspace));
    let makes_jobs = !no_jobs;
    let watching = watching.limited(workspace)?;
    let options = deploy::rehearse::Options { only, environment, makes_jobs, watching, json };
    deploy::rehearse::run(workspace, &options, &progress).await
}
