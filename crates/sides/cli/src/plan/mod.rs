//! `sides plan`: what a release would do, without doing it.
//!
//! What runs (`runs`) is compared with the work tree: each running release with what it was built from (`baseline`),
//! input by input (`guess`); `--why` walks each difference through the crates (`why`). Beside it stand the migrations
//! that the database lacks (`migrations`) and the order in which everything would go (`order`). The whole is one value
//! (`report`), shown as text, as Markdown or as JSON.

mod baseline;
mod guess;
mod json;
mod markdown;
mod migrations;
mod order;
mod report;
mod runs;
mod text;
mod why;

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::Args;
use platform::procfile;

use crate::{
    annotations,
    dev::named_database,
    display::{Palette, Screen},
    git::Repository,
    inputs::{Folder, Sources, toolchain},
    outcome::Outcome,
    release::build_programs,
    releases::{Set, Store},
    workspace::Workspace,
};
use baseline::Baselines;
use guess::{Process, Verdict};
use order::Order;
use report::{Place, Report};
use runs::Runs;

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  there is something to release
  1  failed; the message says why
  5  nothing to do: what runs is what is here
  8  refused: a release would be refused, and the message names what stands in the way";

#[derive(Debug, Args)]
pub(crate) struct PlanOptions {
    /// Build what may have changed and judge by the bytes.
    #[arg(long)]
    pub(crate) build: bool,
    /// Walk from each changed file through its crate and who links it to the verdict; of one process or all.
    #[arg(long, value_name = "PROCESS", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["json", "markdown"])]
    pub(crate) why: Option<String>,
    /// Compare with this commit instead of what runs: `--since origin/main` in a pipeline without a database.
    #[arg(long, value_name = "COMMIT", conflicts_with = "build")]
    pub(crate) since: Option<String>,
    /// As JSON, with `plan_version`: deploy/plan.md has the fields.
    #[arg(long)]
    pub(crate) json: bool,
    /// As a summary for a pull request.
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
}

pub(crate) async fn run(workspace: &Workspace, options: &PlanOptions) -> anyhow::Result<Outcome> {
    let report = make(workspace, options).await?;
    if let Order::Refused(refused) = &report.order {
        annotations::show(workspace, refused);
    }
    let text = if options.json {
        serde_json::to_string_pretty(&json::of(&report))? + "\n"
    } else if options.markdown {
        markdown::of(&report)
    } else if let Some(process) = &options.why {
        why::of(&report, process)?
    } else {
        text::of(&report, Palette::for_stdout())
    };
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has seen enough: `sides plan | head`.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("the plan cannot be shown")
        }
        _ => Ok(report.outcome()),
    }
}

async fn make(workspace: &Workspace, options: &PlanOptions) -> anyhow::Result<Report> {
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
    let elsewhere = match (&repository, baselines.commit()) {
        (Ok(repository), Some(commit)) => why::elsewhere(repository, commit, &processes),
        _ => Vec::new(),
    };
    let store = match options.build {
        true => {
            let screen = Screen::beside_output();
            let store = Store::open(workspace)?;
            // What is built from the same has the same bytes.
            let open = processes.iter().filter(|process| process.verdict != Verdict::Unchanged);
            let open: Vec<String> = open.map(|process| process.name.clone()).collect();
            let built = match open.is_empty() {
                true => Set::new(),
                false => build_programs(workspace, &store, &screen, &open)
                    .await
                    .context("nothing can be said of the bytes")?,
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
    let unknown = runs.without_procfile(&procfiles);
    notes.extend(unknown.iter().map(|name| {
        format!("{name} runs and has no Procfile.{name} any more: a release leaves it as it is")
    }));
    Ok(Report {
        place,
        built: options.build,
        since: options.since.clone(),
        processes,
        elsewhere,
        migrations,
        order,
        notes,
    })
}
