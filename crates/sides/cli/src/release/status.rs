//! `sides release status`: the release in progress, or the last one.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use serde_json::{Value, json};
use terminal::{Palette, Screen};
use tokio::time;
use workspace::{
    Outcome, Workspace,
    releases::{Stage, State, Status, Store},
};

use super::{
    found::Found,
    status_text::{in_words, marks},
};

pub(super) const EXIT_CODES: &str = "Exit codes:
  0  in progress, or ended well
  1  the release failed before it changed anything, or its status cannot be read
  5  there was nothing to release, or nothing was ever released here
  6  undone
  7  not undone, or killed and not taken up yet
  8  refused: there was no safe order";

const BETWEEN: Duration = Duration::from_millis(200);
const NONE: &str = "nothing has been released here yet; start with `sides release`";

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Wait until the release has ended. Ctrl-C ends only the waiting.
    #[arg(long)]
    wait: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<ExitCode> {
    let mut told = 0;
    loop {
        let Some(found) = look(workspace)? else {
            println!("{}", if options.json { format!("{:#}", nothing()) } else { NONE.to_owned() });
            return Ok(Outcome::NothingToDo.into());
        };
        if !options.wait || found.state.is_over() {
            match options.json {
                true => println!("{:#}", as_json(&found)),
                false => Screen::new().line(&in_words(&found, Palette::for_stdout())),
            }
            return Ok(found.status.exit_code(found.state, found.is_left).into());
        }
        if !options.json {
            let screen = Screen::new();
            let marks: Vec<String> = marks(&found.status, screen.palette);
            let begun = found.status.steps.iter().filter(|step| step.stage != Stage::Waits).count();
            marks.iter().take(begun).skip(told).for_each(|line| screen.line(line));
            told = told.max(begun);
        }
        time::sleep(BETWEEN).await;
    }
}

fn look(workspace: &Workspace) -> anyhow::Result<Option<Found>> {
    let Some(store) = Store::existing(workspace) else { return Ok(None) };
    let Some((status, state)) = Status::read(&store)? else { return Ok(None) };
    let is_left = store.interrupted()?.is_some();
    Ok(Some(Found { status, state, is_left }))
}

impl Found {
    /// What to type next, where something is left to do.
    pub(super) fn next(&self) -> Option<&'static str> {
        let is_unfinished = matches!(self.state, State::Killed | State::Partial | State::Failed);
        (is_unfinished && self.is_left).then_some("sides rollback")
    }
}

fn as_json(found: &Found) -> Value {
    let Status { number, goes_back, process, started_at, steps, watched_until, log, end } = &found.status;
    let is_over = found.state.is_over();
    json!({
        "state": found.state,
        "number": number,
        "rollback": goes_back,
        "pid": process.pid,
        "started_at": started_at,
        "steps": steps,
        "watched_until": watched_until.filter(|_| !is_over),
        "log": log,
        "ended_at": end.as_ref().map(|end| end.at),
        "reason": end.as_ref().and_then(|end| end.reason.as_ref()),
        "receipt": end.as_ref().and_then(|end| end.receipt),
        "exit_code": is_over.then(|| found.status.exit_code(found.state, found.is_left)),
        "next": found.next(),
    })
}

/// The same of a workspace where nothing was ever released.
fn nothing() -> Value {
    json!({
        "state": "none", "number": null, "rollback": false, "pid": null, "started_at": null, "steps": [],
        "watched_until": null, "log": null, "ended_at": null, "reason": null, "receipt": null, "exit_code": null,
        "next": null,
    })
}
