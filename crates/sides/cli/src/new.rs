//! `sides new`: an application, and its next job, schedule, process or migration.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use sides_new::{Chassis, Name, Written, add};

use workspace::Workspace;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Options {
    /// The directory of the new application; its last part is the application's name.
    #[arg(required = true)]
    folder: Option<PathBuf>,
    /// A checkout of sides whose crates to use; by default the one that this program was built from.
    #[arg(long, conflicts_with = "git", value_name = "FOLDER")]
    path: Option<PathBuf>,
    /// A repository of sides whose crates to use.
    #[arg(long, value_name = "URL")]
    git: Option<String>,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    /// Add a job: its contract, its handler and its line in the registry.
    Job {
        /// The job's kind, such as send_report.
        name: String,
    },
    /// Add a schedule: a line in the clock.
    Schedule {
        /// The schedule's name, such as report.
        name: String,
        /// When it fires, in UTC.
        #[arg(long, default_value = "@daily", value_name = "EXPRESSION")]
        cron: String,
        /// The kind of the job that it fires; by default the schedule's name.
        #[arg(long, value_name = "KIND")]
        job: Option<String>,
    },
    /// Add a process: its own crate and its Procfile.
    Process {
        /// The process' name, such as mail.
        name: String,
    },
    /// Add a migration: create_orders creates a table, add_email_to_people a column.
    Migration {
        /// What it does.
        name: String,
    },
}

/// Runs the command; `root` is the workspace as it was named.
pub(crate) fn run(root: Option<&Path>, options: &Options) -> anyhow::Result<ExitCode> {
    match (&options.part, &options.folder) {
        (Some(part), _) => new_part(Workspace::find(root)?.root(), part)?,
        (None, Some(folder)) => new_workspace(folder, options)?,
        (None, None) => anyhow::bail!("say what to create; `sides new --help` lists what is possible"),
    }
    Ok(ExitCode::SUCCESS)
}

fn new_workspace(folder: &Path, options: &Options) -> anyhow::Result<()> {
    let last =
        folder.file_name().and_then(|last| last.to_str()).context("give a directory name, such as acme")?;
    let name = Name::read(last)?;
    let chassis = match (&options.path, &options.git) {
        (Some(path), _) => Chassis::at(path)?,
        (None, Some(url)) => Chassis::Git(url.clone()),
        (None, None) => Chassis::of_this_build()
            .context("where is sides? Give a checkout with --path, or a repository with --git")?,
    };
    let written = sides_new::workspace(&name, folder, &chassis)?;
    println!("{}: {} files", folder.display(), written.len());
    println!("\n  cd {}\n  cargo run -- dev\n", folder.display());
    println!("README.md explains what is where.");
    Ok(())
}

fn new_part(root: &Path, part: &Part) -> anyhow::Result<()> {
    match part {
        Part::Job { name } => {
            let name = Name::read(name)?;
            show(&add::job(root, &name)?);
            println!("\nThe contract's fields are its arguments; the handler does the work.");
        }
        Part::Schedule { name, cron, job } => {
            let name = Name::read(name)?;
            let kind = job.as_deref().map_or_else(|| Ok(name.clone()), Name::read)?;
            show(&add::schedule(root, &name, cron, &kind)?);
            if !root.join(format!("crates/jobs/src/{}.rs", kind.as_str())).exists() {
                println!("\nNo worker handles that job yet; add it with: sides new job {}", kind.as_str());
            }
        }
        Part::Process { name } => {
            let name = Name::read(name)?;
            show(&add::process(root, &name)?);
            println!("\nThe next `sides dev` starts it.");
        }
        Part::Migration { name } => {
            let name = Name::read(name)?;
            show(&add::migration(root, &name, chrono::Utc::now())?);
            println!(
                "\n`sides migration check` shows what it does to running processes. Add new tables and columns \
                 to crates/models/src/schema.rs."
            );
        }
    }
    Ok(())
}

fn show(written: &[Written]) {
    for one in written {
        println!("{} {}", if one.is_changed { "changed" } else { "created" }, one.file.display());
    }
}
