//! `sides new`: an application, and its next job, schedule, process or migration.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::builder::NonEmptyStringValueParser;
use sides_new::{Chassis, Name, Written, add};

use workspace::Workspace;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Options {
    /// The directory of the new application, named as the application; `.` for this one.
    #[arg(required = true)]
    folder: Option<PathBuf>,
    /// A checkout of sides whose crates to use; by default the one that this program was built from.
    #[arg(long, conflicts_with = "git", value_name = "FOLDER")]
    path: Option<PathBuf>,
    /// A git repository of sides whose crates to use.
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
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
        /// The process's name, such as mail.
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
    let name = application_name(folder)?;
    let chassis = match (&options.path, &options.git) {
        (Some(path), _) => Chassis::at(path)?,
        (None, Some(url)) => Chassis::Git(url.clone()),
        (None, None) => Chassis::of_this_build()
            .context("where is sides? Give a checkout with --path, or a repository with --git")?,
    };
    let written = sides_new::workspace(&name, folder, &chassis)?;
    let shown = folder.display().to_string();
    println!("created {} files in {shown}", written.len());
    if sides_new::git_init(folder) {
        println!("created a git repository there");
    }
    if let Some(outer) = sides_new::outer_workspace(folder) {
        println!(
            "it lies in another workspace: if `members` of {} match it, add it to `exclude` there",
            outer.display()
        );
    }
    let enter = match shown.as_str() {
        "." => String::new(),
        _ => format!("  cd {}\n", shell_words::quote(&shown)),
    };
    println!("\n{enter}  cargo run -- dev\n\nREADME.md explains what is where.");
    Ok(())
}

/// The last part of the path, where there is one; otherwise the name of the directory that it leads to.
fn application_name(folder: &Path) -> anyhow::Result<Name> {
    let whole = match folder.file_name() {
        Some(_) => folder.to_owned(),
        None => folder.canonicalize().with_context(|| format!("cannot read {}", folder.display()))?,
    };
    let last = whole.file_name().context("give a directory name, such as acme")?;
    Ok(Name::read(&last.to_string_lossy())?)
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
                "\n`sides migration check` shows what it does to running processes. Add new tables and columns to \
                 crates/models/src/schema.rs. A running `sides dev` applies what you save; to change a migration after \
                 that, take it back first: sides migration down"
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_is_named_as_its_directory() {
        let folder = tempfile::tempdir().unwrap();
        let acme = folder.path().join("acme");
        std::fs::create_dir(&acme).unwrap();
        let names = [Path::new("../acme"), Path::new("a b/acme/"), &acme.join("."), &acme.join("x/..")];
        std::fs::create_dir(acme.join("x")).unwrap();
        for path in names {
            assert_eq!(application_name(path).unwrap().as_str(), "acme", "{}", path.display());
        }
        assert!(application_name(Path::new("/")).is_err(), "a root has no name");
        assert!(application_name(Path::new("../Ann's app")).is_err());
    }
}
