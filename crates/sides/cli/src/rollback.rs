//! `sides rollback`.

use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use deploy::release::{Ended, RollbackOptions};
use workspace::{Outcome, Workspace};

use crate::{names::complete, release::conclude, watching::Watching};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Go back to this release, by its number in `sides releases`; by default to the last good one other than the
    /// running one.
    #[arg(long, value_name = "NUMBER", add = ArgValueCompleter::new(complete::releases))]
    to: Option<u64>,
    #[command(flatten)]
    watching: Watching,
}

pub(crate) async fn run(workspace: &Workspace, options: Options) -> anyhow::Result<Outcome> {
    let Options { to, watching } = options;
    let (json, progress) = (watching.json, watching.progress(workspace));
    let options = RollbackOptions { to, watching: watching.limited(workspace)? };
    let ended = deploy::release::run_back(workspace, &options, &progress).await?;
    let outcome = conclude(&ended, json, &progress)?;
    if let (Outcome::Done, Ended::CarriedOut { leads_back, .. }) = (outcome, &ended) {
        progress.screen.line(match leads_back {
            true => "The schema was not changed. Run `sides rollback` again to undo this.",
            false => "The schema was not changed.",
        });
    }
    Ok(outcome)
}
