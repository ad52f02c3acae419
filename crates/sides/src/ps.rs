//! `sides ps`: every copy that runs here.

use chrono::Utc;
use platform::local::{ProcessStatus, State};
use serde_json::json;

use crate::{
    control,
    display::{Palette, table},
    outcome::Outcome,
    workspace::Workspace,
};

const HEAD: [&str; 8] = ["COPY", "RELEASE", "STATE", "SINCE", "PID", "MEMORY", "RESTARTS", "ADDRESS"];

pub(crate) async fn run(workspace: &Workspace, json: bool) -> anyhow::Result<Outcome> {
    let Some(status) = control::status(workspace).await? else {
        if json {
            println!("[]");
        } else {
            eprintln!("nothing runs in {}; `sides up` starts the host", workspace.root().display());
        }
        return Ok(Outcome::NotRunning);
    };
    if json {
        let copies: Vec<_> = status.processes.iter().map(as_json).collect();
        println!("{}", serde_json::to_string_pretty(&copies)?);
    } else {
        let rows: Vec<_> = status.processes.iter().map(row).collect();
        print!("{}", table(Palette::for_stdout(), &HEAD, &rows));
        for copy in status.processes.iter().filter(|copy| copy.reason.is_some()) {
            println!("{}: {}", copy.id(), copy.reason.as_deref().unwrap_or_default());
        }
    }
    Ok(if status.all_answer() { Outcome::Done } else { Outcome::NotAnswering })
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
        crate::display::tell::up_time(since),
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
