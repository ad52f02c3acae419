//! `sides rollback`: back to the builds of an earlier release.

use anyhow::Context as _;
use manifest::Role;
use platform::local::State;

use super::{
    Ended, Watching,
    begun::{Begun, host_status},
    journal,
    ledger::{OUTAGE_LIMIT, patiently},
    left::Leaving,
    limits::Limits,
    order,
    plan::Plan,
    recipe::{said, told},
    report::Report,
    steps::{Run, memory_of},
    underway::Underway,
};
use crate::places::Places;
use crate::progress::Progress;
use workspace::{
    Workspace, actor,
    control::DevStatus,
    releases::{Interrupted, Store},
};

/// Where to go back to, and how that is watched.
#[derive(Debug, Clone)]
pub struct RollbackOptions {
    /// The number of a set that was released here; none is the one that was seen good last, other than what runs.
    pub to: Option<u64>,
    /// How it is watched.
    pub watching: Watching,
}

/// Goes back to the set that was seen good last, or to a named one. A release in progress here is stopped first, and the
/// schema stays as it is.
///
/// # Errors
/// When something that it needs cannot be asked: the host, a place, the database.
pub async fn run(
    workspace: &Workspace,
    options: &RollbackOptions,
    progress: &dyn Progress,
) -> anyhow::Result<Ended> {
    let Some(begun) = Begun::begin(workspace, &[], progress).await? else { return Ok(Ended::NoHost) };
    let mut report = Report::new(&begun.store, &options.watching, None)?;
    let ended = go_back(workspace, options, begun, progress, &mut report).await;
    said(report, &ended, progress);
    ended
}

async fn go_back(
    workspace: &Workspace,
    options: &RollbackOptions,
    begun: Begun<'_>,
    progress: &dyn Progress,
    report: &mut Report,
) -> anyhow::Result<Ended> {
    if Underway::break_off(workspace).await? {
        progress.notice("the release that was in progress here was stopped");
    }
    // The ledger, the rights of the database's user and what is compatible are all in the database: it is waited for.
    let locked = begun.lock(workspace, OUTAGE_LIMIT).await?;
    let Some((begun, mut ledger, _underway)) = locked else { return Ok(Ended::NoHost) };
    let Begun { mut status, places, store, url, .. } = begun;
    let running = places.running(&store.running()?).await?;
    let interrupted = store.interrupted()?;
    if let Some(interrupted) = &interrupted {
        progress.notice(&journal::interruption(interrupted, &running, status.as_ref()));
    }
    // What it answers is no longer anybody's, nor a reason to go further back.
    let web = store.in_role(&running, Role::Listens);
    let leaving = Leaving {
        places: &places,
        web,
        url: &url,
        status: status.as_ref(),
        probe: &options.watching.probe,
        progress,
    };
    let left = leaving.end(None).await?;
    if left.is_some() {
        status = host_status(workspace).await?;
    }
    let was_interrupted = interrupted.is_some();
    let history = store.history()?;
    let answers = status.as_ref().is_none_or(answers);
    let good = match options.to {
        Some(number) => {
            let entry = history.find(number);
            let entry = entry.with_context(|| {
                let numbers = history.entries.iter().map(|entry| entry.number);
                let near = numbers.min_by_key(|known| known.abs_diff(number));
                let hint = near.map(|near| format!(": did you mean {near}?")).unwrap_or_default();
                format!("there is no release {number}{hint} (`sides releases` lists them)")
            })?;
            Some(entry.set.clone())
        }
        None => history.way_back(&running, answers, interrupted.as_ref()),
    };
    let Some(good) = good else {
        progress.notice("there is nothing to go back to: no other builds were ever seen good here");
        return Ok(Ended::with(left, &mut ledger, progress).await);
    };
    let order = async || order::find(&places, &store, &url, &running, &good, &[]).await;
    let answer = patiently(&mut ledger, progress, order).await?;
    let Some(plan) = told(progress, answer) else { return Ok(Ended::Refused) };
    progress.text(&plan.to_string());
    if plan.is_empty() {
        store.set_interrupted(None)?;
        return Ok(Ended::with(left, &mut ledger, progress).await);
    }
    // A set that was half replaced is nothing to come back to.
    let from = if was_interrupted { good.clone() } else { running.clone() };
    serve_again(&places, &store, progress, &plan).await?;
    let release = Interrupted { goes_back: true, ..Interrupted::new(from, good) };
    let run = Run {
        workspace,
        places: &places,
        progress,
        store: &store,
        url: &url,
        migrate: None,
        web: store.in_role(&running, Role::Listens).map(str::to_owned),
        running: running.clone(),
        back_to: running,
        already: Vec::new(),
        before: left.map(|left| left.steps()).unwrap_or_default(),
        limits: Limits::read(workspace)?,
        memory_before: memory_of(status.as_ref()),
        // Whoever goes back is in a hurry, and what comes was seen good.
        compared: None,
        rehearsal: None,
    };
    let ended = run.carry_out(ledger, status.as_ref(), &plan, release, &options.watching, report).await?;
    Ok(Ended::carried_out(ended, !was_interrupted))
}

/// Whether nothing that this machine's host runs is known to be in trouble.
fn answers(status: &DevStatus) -> bool {
    status.processes.iter().all(|process| !matches!(process.state, State::Unready | State::Restarting))
}

/// Anyone who goes back wants what comes to serve: a process of which no instance is wanted, as it was scaled to 0 in the
/// trouble, gets one.
async fn serve_again(
    places: &Places,
    store: &Store,
    progress: &dyn Progress,
    plan: &Plan,
) -> anyhow::Result<()> {
    let counts = store.counts()?;
    for roll in plan.rolls().filter(|roll| places.is_local(&roll.process)) {
        if counts.get(&roll.process) != Some(&0) {
            continue;
        }
        let place = places.place_of(&roll.process);
        let why = actor::why(None, "rollback");
        // What is to run is put there first: the wrong build must not start once more.
        place.put(&roll.process, roll.to.as_str(), &why).await?;
        place.scale(&roll.process, 1, &why).await?;
        let text = format!("{} was scaled to 0, and now has 1 instance again", roll.process);
        progress.notice(&text);
    }
    Ok(())
}
