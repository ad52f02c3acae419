//! `sides drill`, and the program that stands in for a good build there.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::Args;
use deploy::drill::{self, Fault, Report, list};
use terminal::{Palette, Screen, table};
use workspace::{Outcome, Workspace};

use crate::progress::OnScreen;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these drills.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// List the drills without running them.
    #[arg(long)]
    list: bool,
    /// An environment variable that the programs need: NAME with its value here, or NAME=VALUE.
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    environment: Vec<String>,
    /// Do not enqueue generated jobs.
    #[arg(long)]
    no_jobs: bool,
    /// How long to watch the new builds, in seconds; a bad one ends earlier.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    bake: u64,
    /// How many times slower than before web's answers may become; 0 for no limit.
    #[arg(long, default_value_t = 3.0, value_name = "TIMES", value_parser = crate::watching::times)]
    slower: f64,
    /// The path that is requested from web; it must answer 200.
    #[arg(long, default_value = "/", value_name = "PATH", value_parser = crate::watching::path)]
    probe: String,
    /// The reports as JSON, with every receipt.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(workspace: &Workspace, options: Options) -> anyhow::Result<Outcome> {
    let Options { names, list: is_list, environment, no_jobs, bake, slower, probe, json } = options;
    let drills = list::named(&names).map_err(anyhow::Error::msg)?;
    if is_list {
        let rows: Vec<Vec<String>> =
            drills.iter().map(|drill| vec![drill.name.to_owned(), drill.what.to_owned()]).collect();
        println!("{}", table(Palette::for_stdout(), &["DRILL", "WHAT IS DONE"], &rows));
        return Ok(Outcome::Done);
    }
    let screen = if json { Screen::beside_output() } else { Screen::new() };
    let progress = OnScreen::new(workspace, screen);
    let options = drill::Options { environment, makes_jobs: !no_jobs, bake, slower, probe };
    let reports = drill::run(workspace, &drills, &options, &progress).await?;
    match json {
        true => println!("{}", serde_json::to_string_pretty(&reports)?),
        false => progress.screen.line(&table(progress.screen.palette, &HEAD, &rows(&reports))),
    }
    let all_passed = reports.iter().all(|report| report.passed);
    Ok(if all_passed { Outcome::Done } else { Outcome::Failed })
}

const HEAD: [&str; 7] =
    ["DRILL", "RESULT", "ENDED", "BAD BUILD RAN", "FAILED REQUESTS", "JOBS LOST", "TICKS MISSED"];

fn rows(reports: &[Report]) -> Vec<Vec<String>> {
    let known = |figure: Option<String>| figure.unwrap_or_else(|| "–".to_owned());
    let row = |report: &Report| {
        vec![
            report.drill.clone(),
            match (&report.not_possible, report.passed) {
                (Some(_), _) => "–",
                (None, true) => "passed",
                (None, false) => "FAILED",
            }
            .to_owned(),
            report.ended.clone(),
            known(report.seconds_until_good.map(|seconds| format!("{seconds:.1} s"))),
            format!("{} of {}", report.failed, report.requests),
            known(report.jobs_lost.map(|lost| lost.to_string())),
            known(report.ticks_missed.map(|missed| missed.to_string())),
        ]
    };
    reports.iter().map(row).collect()
}

/// What a drill starts in place of a good build.
#[derive(Debug, Args)]
pub(crate) struct StandInOptions {
    #[arg(long)]
    fault: Fault,
    #[arg(long)]
    when: PathBuf,
    #[arg(long)]
    program: PathBuf,
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn stand_in(options: StandInOptions) -> anyhow::Result<ExitCode> {
    let StandInOptions { fault, when, program, arguments } = options;
    // One thread: what it starts ends with the thread that started it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let code = runtime.block_on(drill::stand_in(drill::StandIn { fault, when, program, arguments }))?;
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
