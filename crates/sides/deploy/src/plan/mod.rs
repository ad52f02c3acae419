//! What a release would do, without doing it.
//!
//! What runs (`runs`) is compared with the work tree: each running release with what it was built from (`baseline`),
//! input by input (`guess`); `--why` walks each difference through the crates (`why`). Beside it stand the migrations
//! that the database lacks (`migrations`) and the order in which everything would go (`order`). The whole is one value
//! (`report`).

mod baseline;
mod guess;
mod migrations;
mod order;
mod report;
mod runs;
mod unused;
mod why;

use anyhow::Context as _;
use platform::procfile;

use crate::{
    git::Repository,
    preflight,
    progress::Progress,
    release::{Limits, build_programs},
};
use baseline::Baselines;
use runs::Runs;
use workspace::{
    Workspace,
    inputs::{Folder, Sources, toolchain},
    named_database,
    releases::{Set, Store},
};

pub use baseline::short;
pub use guess::{Process, Verdict};
pub use migrations::{Migrations, Pending, phase_name};
pub use order::Order;
pub use report::{Place, Report};
pub use runs::Running;
pub use why::Walk;

/// What to compare, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Build what may have changed and judge by the bytes.
    pub build: bool,
    /// Compare with this commit instead of what runs.
    pub since: Option<String>,
}

/// Compares what runs with the work tree.
///
/// # Errors
/// When the work tree cannot be read, or a program cannot be built.
pub async fn make(
    workspace: &Workspace,
    options: &Options,
    progress: &dyn Progress,
) -> anyhow::Result<Report> {
    let procfiles = procfile::discover(workspace.root())?;
    let mut notes = Vec::new();
    let repository = Repository::find(workspace.root());
    let place = Place::of(&repository);
    let url = named_database()?;
    let runs = Runs::look(workspace, url.as_ref(), &mut notes).await?;
    let tree = Folder::new(workspace.root());
    let here = Sources::of(&tree);
    let toolchain = toolchain(workspace.root()).await?;
    let store = Store::existing(workspace);
    let names = procfiles.iter().map(|procfile| procfile.name.clone()).collect();
    let mut baselines = Baselines::new(repository.as_ref(), store.as_ref(), &toolchain, names);
    if let Some(name) = &options.since {
        baselines.compare_with(name)?;
    }
    let mut processes = Vec::new();
    for procfile in &procfiles {
        let now = here.inputs(&procfile.name, &toolchain);
        let built =
            store.as_ref().zip(now.as_ref()).and_then(|(store, now)| store.built_from(&procfile.name, now));
        let mut process = Process::new(procfile, runs.of(&procfile.name), now, built);
        process.compare(&mut baselines);
        process.walk(&here.graph, &procfile.program);
        processes.push(process);
    }
    let unused_changes = match (&repository, baselines.commit()) {
        (Ok(repository), Some(commit)) => unused::changes(repository, commit, &processes),
        _ => Vec::new(),
    };
    let store = match options.build {
        true => {
            let store = Store::open(workspace)?;
            // What is built from the same has the same bytes.
            let open = processes.iter().filter(|process| process.verdict != Verdict::Unchanged);
            let open: Vec<String> = open.map(|process| process.name.clone()).collect();
            let built = match open.is_empty() {
                true => Set::new(),
                false => build_programs(workspace, &store, progress, &open)
                    .await
                    .context("the bytes are not known")?,
            };
            processes.iter_mut().for_each(|process| process.settle(built.get(&process.name)));
            Some(store)
        }
        false => store,
    };
    let migrations = migrations::pending(
        workspace,
        url.as_ref(),
        options.since.as_deref().zip(repository.as_ref().ok()),
        &mut notes,
    )
    .await?;
    let wanted: Option<Set> =
        processes.iter().map(|process| Some((process.name.clone(), process.wanted()?))).collect();
    let order = order::of(store.as_ref(), url.as_ref(), &runs, wanted.as_ref(), &migrations).await?;
    let order = order.with_canaries(&Limits::read(workspace)?, store.as_ref(), runs.places.as_ref())?;
    let unknown = runs.without_procfile(&procfiles);
    notes.extend(unknown.iter().map(|name| {
        format!("{name} is running but has no Procfile.{name} any more: a release leaves it alone")
    }));
    let obstacles = match options.since {
        Some(_) => Vec::new(),
        None => preflight::look(workspace, url.as_ref()).await,
    };
    Ok(Report {
        place,
        built: options.build,
        since: options.since.clone(),
        processes,
        unused_changes,
        migrations,
        order,
        obstacles,
        notes,
    })
}
