//! `sides rollback`: the processes as they were before the last release.

use clap::Args;

use super::{Begun, Run, Watching, carry_out, journal, order, told};
use crate::{
    display::tell,
    outcome::{Outcome, no_host},
    releases::Interrupted,
    workspace::Workspace,
};

#[derive(Debug, Args)]
pub(crate) struct RollbackOptions {
    #[command(flatten)]
    pub(crate) watching: Watching,
}

/// Goes back to the last good set: the one before the last release, or before the one that was cut off. The
/// schema stays as it is.
pub(crate) async fn run(workspace: &Workspace, options: &RollbackOptions) -> anyhow::Result<Outcome> {
    let Some(begun) = Begun::begin(workspace, &[], &options.watching).await? else { return Ok(no_host()) };
    let Begun { screen, status, places, store, url, ledger } = begun;
    let running = places.running(&store.running()?).await?;
    let interrupted = store.interrupted()?;
    if let Some(cut_off) = &interrupted {
        screen.line(&tell::notice(screen.palette, &journal::cut_off(cut_off, &running)));
    }
    let was_cut_off = interrupted.is_some();
    let good = match interrupted {
        Some(cut_off) => Some(cut_off.from),
        None => store.before()?,
    };
    let Some(good) = good else {
        screen.line(&tell::notice(screen.palette, "there was no release before: nothing to go back to"));
        return Ok(Outcome::NothingToDo);
    };
    let answer = order::find(&places, &store, &url, &running, &good, &[]).await?;
    let Some(plan) = told(workspace, &screen, answer) else { return Ok(Outcome::Refused) };
    screen.line(&plan.to_string());
    if plan.is_empty() {
        store.set_interrupted(None)?;
        return Ok(Outcome::NothingToDo);
    }
    // A set that was half replaced is nothing to come back to.
    let (from, before) = match was_cut_off {
        true => (good.clone(), None),
        false => (running.clone(), Some(running.clone())),
    };
    let release = Interrupted::new(from, good);
    let run = Run {
        workspace,
        places: &places,
        screen: &screen,
        store: &store,
        url: &url,
        migrate: None,
        back_to: running,
        before,
        already: Vec::new(),
        rehearsal: None,
    };
    let outcome = carry_out(&run, ledger, status.as_ref(), &plan, release, &options.watching).await?;
    if outcome == Outcome::Done && was_cut_off {
        screen.line("The schema was not touched.");
    } else if outcome == Outcome::Done {
        screen.line("The schema was not touched. `sides rollback` once more undoes this.");
    }
    Ok(outcome)
}
