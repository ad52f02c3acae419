//! `sides restart`.

use std::time::Instant;

use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use platform::place::Which;

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
    /// A process (NAME of `Procfile.NAME`), one instance as shown by `ps` (worker.3), or all.
    #[arg(add = ArgValueCompleter::new(complete::instances))]
    process: String,
    #[command(flatten)]
    reason: Reason,
}

/// One process, one instance of it, or everything, one instance after the other.
pub(crate) async fn run(workspace: &Workspace, options: Options) -> anyhow::Result<Outcome> {
    let Options { process: named, reason } = options;
    let named = named.as_str();
    let (places, host) = (Places::read(workspace).await?, running_host(workspace).await?);
    let screen = Screen::new();
    let why = actor::why(reason.reason, "restart");
    let targets = match (named, named.split_once('.')) {
        ("all", _) => {
            let here = match &host {
                Some(host) => host.status().await?.releases.into_keys().collect(),
                None => Vec::new(),
            };
            let mut all: Vec<String> = here.into_iter().filter(|name| places.is_local(name)).collect();
            all.extend(places.remote().map(str::to_owned));
            if all.is_empty() && host.is_none() {
                return Ok(outcome::no_host());
            }
            if all.is_empty() {
                let text = "nothing to restart: nothing has been released yet; start with `sides release`";
                screen.line(&tell::notice(screen.palette, text));
                return Ok(Outcome::NothingToDo);
            }
            all.into_iter().map(|name| (name, Which::All)).collect()
        }
        (_, Some((process, _))) => vec![(process.to_owned(), Which::One(named.to_owned()))],
        (process, None) => vec![(process.to_owned(), Which::All)],
    };
    for (process, which) in targets {
        if host.is_none() && places.is_local(&process) {
            return Ok(outcome::no_host());
        }
        let begun = Instant::now();
        let what = match &which {
            Which::All => process.clone(),
            Which::One(instance) => instance.clone(),
        };
        let restarted = places.place_of(&process).restart(&process, which, &why).await;
        restarted.map_err(|error| names::explain_process(error, workspace, &names::remote(&places)))?;
        let text = format!("restarted {what}; the old instances are draining");
        screen.line(&tell::done(screen.palette, &text, begun.elapsed()));
    }
    Ok(Outcome::Done)
}
