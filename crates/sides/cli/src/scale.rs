//! `sides scale`.

use std::time::Instant;

use clap::Args;
use clap_complete::engine::ArgValueCompleter;

use crate::{
    names::{self, complete},
    outcome,
    reason::Reason,
};
use deploy::places::Places;
use terminal::{Screen, tell};
use workspace::{Outcome, Workspace, actor, control::running_host};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Its name, as in `Procfile.NAME`.
    #[arg(add = ArgValueCompleter::new(complete::processes))]
    process: String,
    /// How many instances.
    #[arg(value_parser = clap::value_parser!(u32).range(0..=64))]
    count: u32,
    /// On this machine, whatever deploy/targets.toml says; use 0 to stop a process here that has moved to another
    /// place.
    #[arg(long)]
    here: bool,
    #[command(flatten)]
    reason: Reason,
}

/// Sets the number of instances of a process, from now on and also after a restart of the host.
pub(crate) async fn run(workspace: &Workspace, options: Options) -> anyhow::Result<Outcome> {
    let Options { process, count, here, reason } = options;
    let process = process.as_str();
    let places = if here { Places::here(workspace) } else { Places::read(workspace).await? };
    if places.is_local(process) && running_host(workspace).await?.is_none() {
        return Ok(outcome::no_host());
    }
    let (screen, begun) = (Screen::new(), Instant::now());
    let scaled = places.place_of(process).scale(process, count, &actor::why(reason.reason, "scale")).await;
    scaled.map_err(|error| names::explain_process(error, workspace, &names::remote(&places)))?;
    let is_released = !places.is_local(process)
        || match running_host(workspace).await? {
            Some(host) => host.status().await?.releases.contains_key(process),
            None => false,
        };
    screen.line(&tell::done(screen.palette, &said(process, count, is_released), begun.elapsed()));
    Ok(Outcome::Done)
}

fn said(process: &str, count: u32, is_released: bool) -> String {
    let instances = match count {
        1 => "1 instance".to_owned(),
        many => format!("{many} instances"),
    };
    match is_released {
        true => format!("{process} has {instances}"),
        false => {
            format!(
                "{process} has not been released yet: {instances} will start with its first `sides release`"
            )
        }
    }
}
