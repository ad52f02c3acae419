//! `sides scale`.

use std::time::Instant;

use crate::{
    cli::Reason,
    control::running_host,
    display::{Screen, tell},
    outcome::{self, Outcome},
    places::Places,
    who,
    workspace::Workspace,
};

/// Has so many copies of a process from now on, also after a restart of the host.
pub(crate) async fn run(
    workspace: &Workspace,
    process: &str,
    count: u32,
    here: bool,
    reason: Reason,
) -> anyhow::Result<Outcome> {
    let places = if here { Places::here(workspace) } else { Places::read(workspace).await? };
    if places.is_local(process) && running_host(workspace).await?.is_none() {
        return Ok(outcome::no_host());
    }
    let (screen, begun) = (Screen::new(), Instant::now());
    places.place_of(process).scale(process, count, &who::why(reason.reason, "scale")).await?;
    let copies = if count == 1 { "copy" } else { "copies" };
    screen.line(&tell::done(screen.palette, &format!("{process} has {count} {copies}"), begun.elapsed()));
    Ok(Outcome::Done)
}
