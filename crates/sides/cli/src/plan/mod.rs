//! `sides plan`: what a release would do, shown as text, as Markdown or as JSON.

mod json;
mod markdown;
mod text;
mod why;

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use deploy::plan::{Options, Order};
use terminal::{Palette, Screen, clean_lines};
use workspace::{Outcome, Workspace};

use crate::{annotations, names::complete, obstacles, progress::OnScreen};

pub(crate) const EXIT_CODES: &str = "Exit codes:
  0  there is something to release
  1  error, or a release could not start; the message says why
  5  nothing to do: the running builds are up to date
  8  a release would be refused; the message names the conflict";

#[derive(Debug, Args)]
pub(crate) struct PlanOptions {
    /// Build what may have changed and judge by the bytes.
    #[arg(long)]
    pub(crate) build: bool,
    /// Show the path from each changed file through its crate and its dependents to the verdict, for one process or
    /// all.
    #[arg(long, value_name = "PROCESS", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["json", "markdown"], add = ArgValueCompleter::new(complete::processes))]
    pub(crate) why: Option<String>,
    /// Compare with this commit instead of the running builds: `--since origin/main` in a pipeline without a
    /// database.
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
    let wanted = Options { build: options.build, since: options.since.clone() };
    let report =
        deploy::plan::make(workspace, &wanted, &OnScreen::new(workspace, Screen::beside_output())).await?;
    if let Order::Refused(refused) = &report.order {
        annotations::show(workspace, refused);
    }
    let text = if options.json {
        serde_json::to_string_pretty(&json::of(&report))? + "\n"
    } else if options.markdown {
        clean_lines(&markdown::of(&report), false)
    } else if let Some(process) = &options.why {
        clean_lines(&why::of(&report, process)?, false)
    } else {
        let palette = Palette::for_stdout();
        clean_lines(&text::of(&report, palette), palette.is_enabled())
    };
    match io::stdout().write_all(text.as_bytes()) {
        // Anyone who reads has seen enough: `sides plan | head`.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(error).context("cannot print the plan");
        }
        _ => {}
    }
    if report.obstacles.is_empty() {
        return Ok(report.outcome());
    }
    obstacles::show(&report.obstacles);
    Ok(Outcome::Failed)
}
