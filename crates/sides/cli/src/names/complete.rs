//! Completions for a shell. Fast, and silent if something cannot be known.

use std::{env, ffi::OsStr, path::PathBuf, time::Duration};

use clap_complete::CompletionCandidate;
use postgres::{Cluster, Settings};

use super::known::{self, Names};
use workspace::{Workspace, control, named_database, releases::Store};

/// A person waits for it, and it mostly takes a twentieth of a second; a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) fn processes(typed: &OsStr) -> Vec<CompletionCandidate> {
    offer(typed, workspace().map(|workspace| known::processes(&workspace)).unwrap_or_default())
}

/// Processes, their instances, and all.
pub(crate) fn instances(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(workspace) = workspace() else { return Vec::new() };
    let mut names = known::processes(&workspace);
    names.push("all".to_owned());
    let status = wait_for(async { control::status(&workspace).await.ok().flatten() });
    names.extend(status.into_iter().flat_map(|status| status.processes).map(|instance| instance.id()));
    offer(typed, names)
}

pub(crate) fn kinds(typed: &OsStr) -> Vec<CompletionCandidate> {
    offer(typed, ask(Names::Kinds))
}

pub(crate) fn queues(typed: &OsStr) -> Vec<CompletionCandidate> {
    offer(typed, ask(Names::Queues))
}

pub(crate) fn schedules(typed: &OsStr) -> Vec<CompletionCandidate> {
    offer(typed, ask(Names::Schedules))
}

pub(crate) fn added_schedules(typed: &OsStr) -> Vec<CompletionCandidate> {
    offer(typed, ask(Names::AddedSchedules))
}

pub(crate) fn receipts(typed: &OsStr) -> Vec<CompletionCandidate> {
    offer(typed, ask(Names::Receipts))
}

/// The numbers of the sets that were released here, the newest first.
pub(crate) fn releases(typed: &OsStr) -> Vec<CompletionCandidate> {
    let store = workspace().and_then(|workspace| Store::existing(&workspace));
    let history = store.and_then(|store| store.history().ok());
    let numbers = history.iter().flat_map(|history| history.entries.iter().rev());
    offer(typed, numbers.map(|entry| entry.number.to_string()).collect())
}

/// Those that begin like what was typed.
fn offer(typed: &OsStr, names: Vec<String>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let fitting = names.into_iter().filter(|name| name.starts_with(&*typed));
    fitting.map(CompletionCandidate::new).collect()
}

fn workspace() -> Option<Workspace> {
    let named = env::var_os("SIDES_ROOT").filter(|root| !root.is_empty()).map(PathBuf::from);
    Workspace::find(named.as_deref()).ok()
}

/// The names in the database that commands would use, if it answers soon. Starts none.
fn ask(names: Names) -> Vec<String> {
    let Some(workspace) = workspace() else { return Vec::new() };
    let url = named_database().ok().flatten().or_else(|| {
        let running = Cluster::running(workspace.postgres_folder(), &Settings::default());
        running.and_then(|url| url.parse().ok())
    });
    let Some(url) = url else { return Vec::new() };
    let found = wait_for(async {
        let mut connection = database::connect(&url).await.ok()?;
        known::known(&mut connection, names).await.ok()
    });
    found.unwrap_or_default()
}

fn wait_for<T>(answer: impl Future<Output = Option<T>>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, answer).await.ok().flatten() });
    runtime.shutdown_background();
    answer
}
