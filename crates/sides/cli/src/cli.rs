//! The commands and their help.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{
    completions, dev, doctor, drill, host, jobs, logs, manual, new, plan, ps, receipts, rehearse, release,
    releases, restart, rollback, scale, scaling, schedules, setup, status, version,
};

const EXIT_CODES: &str = "Exit codes:
  0  success; status: every process answers; plan: there is something to release
  1  error; the message says why
  2  invalid command line
  3  no dev or host is running in this workspace, nor anything on DATABASE_URL (status)
  4  running, but not every process answers (status)
  5  nothing to do (plan, release, rollback, jobs)
  6  failed and undone (release, rollback)
  7  failed and not undone; the message says what is running now and what remains to be done
  8  refused: there is no safe order; nothing was changed, and the message names the conflict";

/// Runs the processes of a workspace: web, worker, clock and any other with a `Procfile.NAME`.
#[derive(Debug, Parser)]
#[command(name = "sides", version = version::text(), after_help = EXIT_CODES, max_term_width = 110)]
pub(crate) struct Arguments {
    /// The workspace; by default the nearest parent directory with a `Procfile.NAME`.
    #[arg(long, global = true, env = "SIDES_ROOT", value_name = "FOLDER")]
    pub(crate) root: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create an application on sides, or add a job, schedule, process or migration to one.
    New(new::Options),
    /// Build, migrate and run everything on this machine, until Ctrl-C.
    ///
    /// After each save it rebuilds and replaces the processes whose bytes changed. A failed build is shown and takes
    /// nothing down.
    ///
    /// Uses the Postgres that DATABASE_URL names, or starts a private one in .sides/. A second `dev` in the same
    /// workspace attaches to the first one's status.
    Dev(dev::Options),
    /// Show the status of the running `dev` or host, or else of what runs on DATABASE_URL.
    Status(status::Options),
    /// Check this machine and its database, and say what is wrong and how to fix it.
    ///
    /// Changes nothing, and shows no secret: its output can go into an issue as it is.
    Doctor(doctor::Options),
    /// Change the schema of DATABASE_URL, or else of this workspace's private Postgres.
    #[command(alias = "migrate", after_help = migrate::cli::EXIT_CODES)]
    Migration {
        #[command(subcommand)]
        command: migrate::cli::Command,
        #[command(flatten)]
        common: migrate::cli::Common,
    },
    /// List schedules and when they are due; add, pause or run one.
    ///
    /// On DATABASE_URL, or else on this workspace's private Postgres.
    Schedule {
        #[command(subcommand)]
        command: schedules::Command,
    },
    /// List jobs, or show the history of one; retry, cancel, discard or pause them.
    ///
    /// On DATABASE_URL, or else on this workspace's private Postgres. Every change is recorded in sides.actions.
    Jobs {
        #[command(subcommand)]
        command: jobs::Command,
    },
    /// Keep the released processes running on this machine, until SIGTERM.
    ///
    /// Starts what `release` has put into .sides/releases, on the database of DATABASE_URL. It holds web's listening
    /// socket, so that instances can replace each other without a refused connection. The processes outlive it: after
    /// a kill the next host adopts them, and SIGHUP or --replace replaces the host itself by another build.
    ///
    /// WORKER_MEMORY_MB, and the same for any other process, limits the memory of an instance: above the limit a new
    /// instance replaces it, at twice the limit it is killed.
    Host(host::Options),
    /// Start the host in the background, unless it runs already, and wait until everything answers.
    Up(host::UpOptions),
    /// List the instances of every process on all machines: release, state, memory, restarts.
    Ps(ps::Options),
    /// Show the logs of the processes on all machines, including those that have ended.
    Logs(logs::LogsOptions),
    /// Show what a release would do: which processes changed, which migrations run, and in which order.
    ///
    /// Builds nothing: the verdict is an estimate from each program's inputs (its crates' files, the packages it
    /// links, compiler, profile, Procfile), compared with those of the running release. "unchanged" is certain;
    /// whether "may have changed" is true, --build tells from the bytes.
    ///
    /// Changes nothing, and needs neither a host nor a database; it says what it cannot know without them.
    #[command(after_help = crate::plan::EXIT_CODES)]
    Plan(plan::PlanOptions),
    /// Build each process, replace those that changed, and undo everything if requests or jobs start to fail.
    Release(release::Options),
    /// Rehearse a release on a private Postgres with the live schema, under generated load.
    ///
    /// A separate host runs the live builds in a temporary directory, jobs of the kinds that both old and new builds
    /// know are enqueued, and the same release replaces the builds there and prints its receipt. Nothing live is
    /// changed. Only the variables named with --env reach the stage, so no token gets there by accident. Exit codes
    /// as for release.
    Rehearse(rehearse::Options),
    /// Run bad releases on a stage, and check that each of them ends well.
    ///
    /// A separate host runs the builds of this checkout in a temporary directory, on a private Postgres. Each drill
    /// releases a bad build there, or kills something, and checks that the good builds serve again, that there is a
    /// receipt, that no requests failed except those that the bad build answered, and that no job or tick was lost.
    /// Nothing live is touched. Exit code 0 if every drill passed, 1 if one did not.
    Drill(drill::Options),
    /// Take the place of a good build, and go wrong.
    #[command(hide = true)]
    StandIn(drill::StandInOptions),
    /// Go back to the last good builds. A second rollback goes forward again.
    ///
    /// Stops a release that is running in this workspace first. Does not change the schema.
    Rollback(rollback::Options),
    /// List the releases of this workspace, how each of them went, and which one a rollback returns to.
    Releases(releases::Options),
    /// List the receipts of this database's releases, newest first.
    Receipts(receipts::ListOptions),
    /// Show one receipt: its steps and their times, requests, jobs, ticks, and the longest lock wait.
    Receipt(receipts::ShowOptions),
    /// Restart a process, one instance at a time: a new one first, then the old one drains.
    Restart(restart::Options),
    /// Set the number of instances of a process. New ones count once they answer; idle ones leave first.
    Scale(scale::Options),
    /// Create what a place of deploy/targets.toml needs before the first release.
    Setup {
        #[command(subcommand)]
        place: setup::Place,
    },
    /// Show past scaling and restart decisions, and simulate the policy on other traffic.
    Scaling {
        #[command(subcommand)]
        command: scaling::Command,
    },
    /// Stop the running `dev` or `host` and wait until everything has ended.
    Stop,
    /// Hold the socket on standard input for hosts that come and go.
    #[command(hide = true)]
    KeepSocket,
    /// Write this help as man pages.
    Manual(manual::Options),
    /// Print a completion script: `sides completions bash > /etc/bash_completion.d/sides`.
    ///
    /// It also completes existing names: processes, schedules, kinds, receipts. For zsh, save it as `_sides` in a
    /// directory of $fpath; for fish, as ~/.config/fish/completions/sides.fish.
    Completions(completions::Options),
}

impl Command {
    /// Whether it starts what the Procfiles name, or shows what would be started.
    pub(crate) fn runs_processes(&self) -> bool {
        matches!(
            self,
            Self::Dev(_)
                | Self::Host(_)
                | Self::Up(_)
                | Self::Plan(_)
                | Self::Release(_)
                | Self::Rehearse(_)
                | Self::Drill(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Arguments::command().debug_assert();
    }

    /// The words of every command that prints JSON, with dashes between them.
    fn prints_json(command: &clap::Command, words: &str, found: &mut BTreeSet<String>) {
        let inner: Vec<_> = command.get_subcommands().filter(|one| one.get_name() != "help").collect();
        for one in &inner {
            prints_json(one, format!("{words}-{}", one.get_name()).trim_start_matches('-'), found);
        }
        let is_command = inner.is_empty() || !command.is_subcommand_required_set();
        if is_command
            && !words.is_empty()
            && command.get_arguments().any(|argument| argument.get_id() == "json")
        {
            found.insert(words.to_owned());
        }
    }

    #[test]
    fn every_json_is_documented() {
        let (mut command, mut found) = (super::Arguments::command(), BTreeSet::new());
        command.build();
        prints_json(&command, "", &mut found);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/schemas.json");
        let all: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let all = all["$defs"].as_object().unwrap().keys();
        let documented = all.filter(|name| name.starts_with(|first: char| first.is_ascii_lowercase()));
        assert_eq!(found, documented.cloned().collect());
    }
}
