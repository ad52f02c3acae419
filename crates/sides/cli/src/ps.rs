//! `sides ps`: every instance of every process, wherever it runs.

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

const HEAD: [&str; 8] = ["INSTANCE", "RELEASE", "STATE", "SINCE", "PID", "MEMORY", "RESTARTS", "ADDRESS"];

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<Outcome> {
    let json = options.json;
    let here = control::status(workspace).await?;
    let mut remote = Vec::new();
    let places = Places::read(workspace).await?;
    for process in places.remote() {
        let place = places.place_of(process);
        let instances = place.instances(process).await?;
        remote.extend(instances.into_iter().map(|instance| Remote {
            process: process.to_owned(),
            place: place.name().to_owned(),
            instance,
        }));
    }
    // A host whose processes have all moved away has nothing that could answer.
    let is_idle = |status: &control::DevStatus| status.processes.is_empty() && !remote.is_empty();
    let all_answer = here.as_ref().is_none_or(|status| status.all_answer() || is_idle(status))
        && remote.iter().all(|one| one.instance.state == InstanceState::Healthy);
    let is_nothing = here.is_none() && remote.is_empty();
    let here = here.map(|status| status.processes).unwrap_or_default();
    if json {
        let instances = here.iter().map(as_json).chain(remote.iter().map(Remote::as_json));
        println!("{}", serde_json::to_string_pretty(&instances.collect::<Vec<_>>())?);
    } else if is_nothing {
        eprintln!("nothing is running in {}; start the host with `sides up`", workspace.root().display());
    } else {
        let rows: Vec<_> = here.iter().map(row).chain(remote.iter().map(Remote::row)).collect();
        print!("{}", table(Palette::for_stdout(), &HEAD, &rows));
        let reasons = here.iter().map(|instance| (instance.id(), &instance.reason));
        let reasons = reasons.chain(remote.iter().map(|one| (one.name(), &one.instance.reason)));
        for (instance, reason) in
            reasons.filter_map(|(instance, reason)| Some((instance, reason.as_deref()?)))
        {
            println!("{instance}: {reason}");
        }
    }
    Ok(match (is_nothing, all_answer) {
        (true, _) => Outcome::NotRunning,
        (false, true) => Outcome::Done,
        (false, false) => Outcome::NotAnswering,
    })
}

/// An instance that does not run on this machine.
struct Remote {
    process: String,
    place: String,
    instance: Instance,
}

impl Remote {
    /// As the place names it for people: a dyno's `worker.1`.
    fn name(&self) -> String {
        self.instance.details.get("dyno").unwrap_or(&self.instance.id).clone()
    }

    fn as_json(&self) -> serde_json::Value {
        let instance = &self.instance;
        json!({
            "process": self.process,
            "instance": self.name(),
            // Its name of before.
            "copy": self.name(),
            "place": self.place,
            "release": instance.release,
            "state": instance.state,
            "since": instance.since,
            "reason": instance.reason,
            "details": instance.details,
        })
    }

    fn row(&self) -> Vec<String> {
        let instance = &self.instance;
        let since = (Utc::now() - instance.since).num_seconds().max(0);
        let state = match instance.state {
            InstanceState::Starting => "starts",
            InstanceState::Healthy => "answers",
            InstanceState::Unhealthy => "does not answer",
            InstanceState::Crashed => "starts again",
            InstanceState::Draining => "drains",
        };
        let dash = || "-".to_owned();
        let app = instance.details.get("app").map_or("", String::as_str);
        vec![
            self.name(),
            platform::place::told(&instance.release).to_owned(),
            state.to_owned(),
            terminal::tell::up_time(since),
            dash(),
            dash(),
            dash(),
            format!("{} {app}", self.place).trim_end().to_owned(),
        ]
    }
}

fn as_json(instance: &ProcessStatus) -> serde_json::Value {
    json!({
        "process": instance.name,
        "instance": instance.id(),
        // Its name of before.
        "copy": instance.id(),
        "release": instance.release,
        "state": instance.state,
        "crash_loop": instance.is_crash_loop(),
        "since": instance.since,
        "started_at": instance.started_at,
        "pid": instance.pid,
        "memory_bytes": instance.memory,
        "restarts": instance.restarts,
        "ops_address": instance.ops_address,
        "reason": instance.reason,
    })
}

fn row(instance: &ProcessStatus) -> Vec<String> {
    let dash = || "-".to_owned();
    let since = (Utc::now() - instance.since).num_seconds().max(0);
    vec![
        instance.id(),
        instance
            .release
            .as_deref()
            .map_or_else(dash, |release| release.get(..12).unwrap_or(release).to_owned()),
        state(instance),
        terminal::tell::up_time(since),
        instance.pid.map_or_else(dash, |pid| pid.to_string()),
        instance.memory.map_or_else(dash, |bytes| format!("{} MB", bytes >> 20)),
        instance.restarts.to_string(),
        instance.ops_address.map_or_else(dash, |address| address.to_string()),
    ]
}

fn state(instance: &ProcessStatus) -> String {
    if instance.is_crash_loop() {
        return format!("crash loop ({} deaths)", instance.deaths);
    }
    let words = match instance.state {
        State::Starting => "starts",
        State::Ready => "answers",
        State::Unready => "does not answer",
        State::Restarting => "starts again",
        State::Draining => "drains",
        State::Stopped => "stopped",
    };
    words.to_owned()
}
