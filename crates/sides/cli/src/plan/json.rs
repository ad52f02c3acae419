//! The plan as JSON. Fields may be added without a new version; none is removed or changed.

use deploy::plan::{Order, Process, Report, phase_name};
use serde_json::{Value, json};
use workspace::{
    Outcome,
    inputs::{How, Input},
};

/// The version of this shape.
const VERSION: u16 = 1;

pub(super) fn of(report: &Report) -> Value {
    let outcome = match report.outcome() {
        Outcome::Refused => "refused",
        Outcome::NothingToDo => "nothing",
        _ => "release",
    };
    let of_places = match &report.order {
        Order::Found(plan) => plan.notes.as_slice(),
        _ => &[],
    };
    let (steps, no_return, unknown, refused) = match &report.order {
        Order::Found(plan) => {
            let steps: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
            (Some(steps), plan.point_of_no_return(), None, None)
        }
        Order::Unknown(why) => (None, None, Some(why), None),
        Order::Refused(refused) => (None, None, None, Some(refused)),
    };
    json!({
        "plan_version": VERSION,
        "outcome": outcome,
        "judged_by": if report.built { "bytes" } else { "inputs" },
        "commit": report.place.head.commit,
        "branch": report.place.head.branch,
        "uncommitted_files": report.place.uncommitted,
        "since": report.since,
        "processes": report.processes.iter().map(process).collect::<Vec<_>>(),
        "untouched": report.unused_changes,
        "migrations": {
            "known": report.migrations.are_known,
            "pending": report.migrations.pending.iter().map(|one| json!({
                "name": one.name, "phase": phase_name(one.phase),
            })).collect::<Vec<_>>(),
        },
        "order": { "steps": steps, "point_of_no_return": no_return, "unknown": unknown },
        "refused": refused.map(|refused| json!({
            "reason": refused.reason, "witnesses": refused.witnesses, "next": refused.next,
        })),
        "obstacles": report.obstacles,
        "notes": report.notes.iter().chain(&report.place.no_git).chain(of_places).collect::<Vec<_>>(),
    })
}

fn process(process: &Process) -> Value {
    json!({
        "process": process.name,
        "verdict": process.verdict.code(),
        "runs": process.runs.iter().map(|running| json!({
            "release": running.release, "commit": running.commit,
        })).collect::<Vec<_>>(),
        "build": process.built,
        "reason": process.reason(),
        "guessed_needlessly": process.was_needless,
        "changes": process.walks.iter().map(|walk| {
            let (kind, name) = match &walk.difference.input {
                Input::File { path, .. } => ("file", path.clone()),
                Input::Package { name, versions } => ("package", format!("{name} {versions}")),
                Input::Setting { name } => ("setting", name.clone()),
            };
            let how = match walk.difference.how {
                How::Added => "added",
                How::Removed => "removed",
                How::Changed => "changed",
            };
            json!({ "kind": kind, "name": name, "how": how, "way": walk.way })
        }).collect::<Vec<_>>(),
    })
}
