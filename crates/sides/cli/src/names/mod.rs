//! Existing names: suggestions for misspelled ones, and completions.

pub(crate) mod complete;
mod known;
mod nearest;

use database::Connection;
use deploy::places::Places;
use platform::place::PlaceError;

pub(crate) use known::{Names, known, processes};
pub(crate) use nearest::{hint, nearest_number};

use workspace::Workspace;

/// The remote processes.
pub(crate) fn remote(places: &Places) -> Vec<String> {
    places.remote().map(str::to_owned).collect()
}

/// What a process is asked for by a name that its place does not know: the error, with the name that was meant.
pub(crate) fn explain_process(error: PlaceError, workspace: &Workspace, beside: &[String]) -> anyhow::Error {
    let PlaceError::UnknownProcess { process, .. } = &error else { return error.into() };
    let mut processes = processes(workspace);
    processes.extend(beside.iter().filter(|name| !processes.contains(name)).cloned().collect::<Vec<_>>());
    anyhow::anyhow!("{error}{}", hint(process, &processes))
}

/// Says on standard error that nothing is known of a kind or a queue that was typed, and what was probably meant.
/// Nothing when it is known, or when that cannot be found out.
pub(crate) async fn warn_of_unknown(connection: &mut Connection, kind: Option<&str>, queue: Option<&str>) {
    for (what, typed, names) in [("kind", kind, Names::Kinds), ("queue", queue, Names::Queues)] {
        let Some(typed) = typed else { continue };
        let Ok(names) = known(connection, names).await else { continue };
        if !names.iter().any(|name| name == typed) {
            eprintln!("there is no job of {what} {typed:?}{}", hint(typed, &names));
        }
    }
}
