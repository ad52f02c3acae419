//! `sides ps`: every copy of every process, wherever it runs.

use chrono::Utc;
use clap::Args;
use platform::{
    local::{ProcessStatus, State},
    place::{Instance, InstanceState},
};
use serde_json::json;

use deploy::places::Places;
use terminal::{Palette, table};
use workspace::{Outcome, Workspace, control};

const HEAD: [&str; 8] = ["COPY", "RELEASE", "STATE", "SINCE", "PID", "MEMORY", "RESTARTS", "ADDRESS"];

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<Outcome> {
    let json = options.json;
    let here = control::status(workspace).await?;
    let mut elsewhere = Vec::new();
    let places = Places::read(workspace).await?;
    for process in places.elsewhere() {
        let place = places.place_of(process);
        let copies = place.instances(process).await?;
        elsewhere.extend(copies.into_iter().map(|copy| Remote {
            process: process.to_owned(),
            place: place.name().to_owned(),
            copy,
        }));
    }
    // A host whose processes have all moved away has nothing that could answer.
    let is_idle = |status: &control::DevStatus| status.processes.is_empty() && !elsewhere.is_empty();
    let all_answer = here.as_ref().is_none_or(|status| status.all_answer() || is_idle(status))
        && elsewhere.iter().all(|remote| remote.copy.state == InstanceState::Healthy);
    let is_nothing = here.is_none() && elsewhere.is_empty();
    let here = here.map(|status| status.processes).unwrap_or_default();
    if json {
        let copies = here.iter().map(as_json).chain(elsewhere.iter().map(Remote::as_json));
        println!("{}", serde_json::to_string_pretty(&copies.collect::<Vec<_>>())?);
    } else if is_nothing {
        eprintln!("nothing runs in {}; `sides up` starts the host", workspace.root().display());
    } else {
        let rows: Vec<_> = here.iter().map(row).chain(elsewhere.iter().map(Remote::row)).collect();
        print!("{}", table(Palette::for_stdout(), &HEAD, &rows));
        let reasons = here.iter().map(|copy| (copy.id(), &copy.reason));
        let reasons = reasons.chain(elsewhere.iter().map(|remote| (remote.name(), &remote.copy.reason)));
        for (copy, reason) in reasons.filter_map(|(copy, reason)| Some((copy, reason.as_deref()?))) {
            println!("{copy}: {reason}");
        }
    }
    Ok(match (is_nothing, all_answer) {
        (true, _) => Outcome::NotRunning,
        (false, true) => Outcome::Done,
        (false, false) => Outcome::NotAnswering,
    })
}

/// A copy that does not run on this machine.
struct Remote {
    process: String,
    place: String,
    copy: Instance,
}

impl Remote {
    /// As the place names it for people: a dyno's `worker.1`.
    fn name(&self) -> String {
        self.copy.details.get("dyno").unwrap_or(&self.copy.id).clone()
    }

    fn as_json(&self) -> serde_json::Value {
        let copy = &self.copy;
        json!({
            "process": self.process,
            "copy": self.name(),
            "place": self.place,
            "release": copy.release,
            "state": copy.state,
            "since": copy.since,
            "reason": copy.reason,
            "details": copy.details,
        })
    }

    fn row(&self) -> Vec<String> {
        let copy = &self.copy;
        let since = (Utc::now() - copy.since).num_seconds().max(0);
        let state = match copy.state {
            InstanceState::Starting => "starts",
            InstanceState::Healthy => "answers",
            InstanceState::Unhealthy => "does not answer",
            InstanceState::Crashed => "starts again",
            InstanceState::Draining => "drains",
        };
        let dash = || "-".to_owned();
        let app = copy.details.get("app").map_or("", String::as_str);
        vec![
            self.name(),
            platform::place::told(&copy.release).to_owned(),
            state.to_owned(),
            terminal::tell::up_time(since),
            dash(),
            dash(),
            dash(),
            format!("{} {app}", self.place).trim_end().to_owned(),
        ]
    }
}

fn as_json(copy: &ProcessStatus) -> serde_json::Value {
    json!({
        "process": copy.name,
        "copy": copy.id(),
        "release": copy.release,
        "state": copy.state,
        "crash_loop": copy.is_crash_loop(),
        "since": copy.since,
        "started_at": copy.started_at,
        "pid": copy.pid,
        "memory_bytes": copy.memory,
        "restarts": copy.restarts,
        "ops_address": copy.ops_address,
        "reason": copy.reason,
    })
}

fn row(copy: &ProcessStatus) -> Vec<String> {
    let dash = || "-".to_owned();
    let since = (Utc::now() - copy.since).num_seconds().max(0);
    vec![
        copy.id(),
        copy.release.as_deref().map_or_else(dash, |release| release.get(..12).unwrap_or(release).to_owned()),
        state(copy),
        terminal::tell::up_time(since),
        copy.pid.map_or_else(dash, |pid| pid.to_string()),
        copy.memory.map_or_else(dash, |bytes| format!("{} MB", bytes >> 20)),
        copy.restarts.to_string(),
        copy.ops_address.map_or_else(dash, |address| address.to_string()),
    ]
}

fn state(copy: &ProcessStatus) -> String {
    if copy.is_crash_loop() {
        return format!("crash loop ({} deaths)", copy.deaths);
    }
    let words = match copy.state {
        State::Starting => "starts",
        State::Ready => "answers",
        State::Unready => "does not answer",
        State::Restarting => "starts again",
        State::Draining => "drains",
        State::Stopped => "stopped",
    };
    words.to_owned()
}
