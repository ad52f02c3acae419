//! `sides rollback`: the processes as they were before the last release.

use clap::Args;

use anyhow::Context as _;
use platform::local::State;

use super::{Begun, Run, Watching, carry_out, journal, order, plan::Plan, told, underway::Underway};
use crate::{
    control::DevStatus,
    display::{Screen, tell},
    outcome::{Outcome, no_host},
    places::Places,
    releases::{Interrupted, Store},
    who,
    workspace::Workspace,
};

#[derive(Debug, Args)]
pub(crate) struct RollbackOptions {
    /// To this set, by its number in `sides releases`; by default the one that was seen good last, other than what runs.
    #[arg(long, value_name = "NUMBER")]
    to: Option<u64>,
    #[command(flatten)]
    pub(crate) watching: Watching,
}

/// Goes back to the set that was seen good last, or to a named one. A release that goes on here is broken off first, and the
/// schema stays as it is.
pub(crate) async fn run(workspace: &Workspace, options: &RollbackOptions) -> anyhow::Result<Outcome> {
    let Some(begun) = Begun::begin(workspace, &[], &options.watching).await? else { return Ok(no_host()) };
    if Underway::break_off(workspace).await? {
        begun
            .screen
            .line(&tell::notice(begun.screen.palette, "the release that went on here was broken off"));
    }
    let Some((begun, ledger, _underway)) = begun.lock(workspace).await? else { return Ok(no_host()) };
    let Begun { screen, status, places, store, url, .. } = begun;
    let running = places.running(&store.running()?).await?;
    let interrupted = store.interrupted()?;
    if let Some(cut_off) = &interrupted {
        screen.line(&tell::notice(screen.palette, &journal::cut_off(cut_off, &running)));
    }
    let was_cut_off = interrupted.is_some();
    let history = store.history()?;
    let answers = status.as_ref().is_none_or(answers);
    let good = match options.to {
        Some(number) => {
            let entry = history.find(number);
            let entry = entry
                .with_context(|| format!("there is no release {number}; `sides releases` lists them"))?;
            Some(entry.set.clone())
        }
        None => history.way_back(&running, answers, interrupted.as_ref()),
    };
    let Some(good) = good else {
        screen.line(&tell::notice(
            screen.palette,
            "nothing else was ever seen good here: nothing to go back to",
        ));
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
    let from = if was_cut_off { good.clone() } else { running.clone() };
    serve_again(&places, &store, &screen, &plan).await?;
    let release = Interrupted { goes_back: true, ..Interrupted::new(from, good) };
    let run = Run {
        workspace,
        places: &places,
        screen: &screen,
        store: &store,
        url: &url,
        migrate: None,
        running: running.clone(),
        back_to: running,
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

/// Whether nothing that this machine's host runs is known to be in trouble.
fn answers(status: &DevStatus) -> bool {
    status.processes.iter().all(|process| !matches!(process.state, State::Unready | State::Restarting))
}

/// Whoever goes back wants what comes to serve: a process of which no instance is wanted, as it was scaled to 0 in the
/// trouble, gets one.
async fn serve_again(places: &Places, store: &Store, screen: &Screen, plan: &Plan) -> anyhow::Result<()> {
    let counts = store.counts()?;
    for roll in plan.rolls().filter(|roll| places.is_local(&roll.process)) {
        if counts.get(&roll.process) != Some(&0) {
            continue;
        }
        let place = places.place_of(&roll.process);
        let why = who::why(None, "rollback");
        // What is to run is put there first: the wrong build must not start once more.
        place.put(&roll.process, roll.to.as_str(), &why).await?;
        place.scale(&roll.process, 1, &why).await?;
        let text = format!("{} was scaled to 0, and has 1 instance again", roll.process);
        screen.line(&tell::notice(screen.palette, &text));
    }
    Ok(())
}
