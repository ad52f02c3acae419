//! What can be typed.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use clap::{Args, Parser, Subcommand};

use crate::{jobs, scaling, schedules};

const EXIT_CODES: &str = "\
Exit codes:
  0  done; for status: every process answers; for plan: there is something to release
  1  failed; the message says why
  2  the command line is not understood
  3  neither a dev nor a host runs in this workspace, nor anything on DATABASE_URL (status)
  4  it runs, but not every process answers (status)
  5  there was nothing to do (plan, release, rollback, jobs)
  6  it did not go well and was undone (release, rollback)
  7  it did not go well and was not undone; the message says what runs now, and what is left to do
  8  refused: there is no safe order, and nothing was changed; the message names what stands in the way";

/// Runs the processes of a workspace: web, worker, clock and any other with a `Procfile.NAME`.
#[derive(Debug, Parser)]
#[command(name = "sides", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// The workspace; by default the nearest folder upwards with a `Procfile.NAME`.
    #[arg(long, global = true, env = "SIDES_ROOT", value_name = "FOLDER")]
    pub(crate) root: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build, migrate and run everything on this machine, until Ctrl-C.
    ///
    /// After each save it builds again and replaces the processes whose bytes changed; a fault in the build is
    /// shown and takes nothing down.
    ///
    /// Uses the Postgres that DATABASE_URL names, or starts a private one in .sides/. A second `dev` in the
    /// same workspace attaches to the first one's status.
    Dev(DevOptions),
    /// Say what the running `dev` does, or what runs elsewhere on the database of DATABASE_URL.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Change the schema of DATABASE_URL, or else of this workspace's private Postgres.
    #[command(alias = "migrate", after_help = migrate::cli::EXIT_CODES)]
    Migration {
        #[command(subcommand)]
        command: migrate::cli::Command,
        #[command(flatten)]
        common: migrate::cli::Common,
    },
    /// Show what the clock fires and when; add, pause and run schedules while it runs.
    ///
    /// On DATABASE_URL, or else on this workspace's private Postgres.
    Schedule {
        #[command(subcommand)]
        command: schedules::Command,
    },
    /// Show what waits, runs and failed, and one job's whole life; retry, cancel, discard, pause.
    ///
    /// On DATABASE_URL, or else on this workspace's private Postgres. What is done leaves a row in sides.actions.
    Jobs {
        #[command(subcommand)]
        command: jobs::Command,
    },
    /// Keep the released processes running on this machine, until SIGTERM.
    ///
    /// Starts what `release` has put into .sides/releases, on the database of DATABASE_URL. It holds web's listening
    /// socket, so that copies can follow each other without a refused connection. What it runs outlives it: after a
    /// kill the next host goes on with it, and SIGHUP or --replace puts another build of the host in its place.
    ///
    /// WEB_MEMORY_MB, WORKER_MEMORY_MB, CLOCK_MEMORY_MB limit the memory of a copy: above that a fresh one follows it,
    /// at twice as much it is killed.
    Host(HostOptions),
    /// Start the host in the background, unless it runs already, and wait until everything answers.
    Up(UpOptions),
    /// List every copy of every process, here and elsewhere: its release, state, memory, restarts.
    Ps {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what the processes printed, here and elsewhere, also those that have ended.
    Logs(LogsOptions),
    /// Say what a release would do: which processes changed against what runs, which migrations, in which order.
    ///
    /// Nothing is built: the verdict is a guess from what each program is made of (its crates' files, the packages it
    /// links, compiler, profile, Procfile), compared with what the running release was built from. "unchanged" is
    /// certain; "may have changed" is settled by --build, from the bytes.
    ///
    /// Changes nothing that runs, and needs neither a host nor a database; it says what it cannot know without them.
    #[command(after_help = crate::plan::EXIT_CODES)]
    Plan(PlanOptions),
    /// Build each process on its own and replace those whose bytes changed, under the eyes of a strict prober.
    Release(ReleaseOptions),
    /// Carry the release out beside the live one first: on a private Postgres with the live schema, under made load.
    ///
    /// A host of its own runs the live builds in a temporary folder, jobs of the kinds that old and new builds know are
    /// enqueued, and the very same release replaces the builds there and prints its receipt. Nothing live is changed. Of
    /// this environment only what --env names reaches the stage, so no token gets there by accident. Exit codes as of
    /// release.
    Rehearse(RehearseOptions),
    /// Go back to the processes as they were before the last release. Once more: forward again.
    Rollback(RollbackOptions),
    /// List the receipts of this database's releases, the newest first. They outlive every host.
    Receipts {
        /// How many.
        #[arg(short = 'n', long, default_value_t = 20)]
        count: u16,
        /// All of them as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one receipt: its steps and their times, requests, jobs, ticks, the longest wait for a lock.
    Receipt {
        /// Its number, as `receipts` lists it; by default the newest.
        number: Option<i64>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Start a process of the host afresh, copy by copy: a new one first, then the old one drains.
    Restart {
        /// Its name as in `Procfile.NAME`, one copy as `ps` names it (worker.3), or all.
        process: String,
        #[command(flatten)]
        reason: Reason,
    },
    /// Have so many copies of a process of the host. New ones count once they answer; idle ones leave first.
    Scale {
        /// Its name, as in `Procfile.NAME`.
        process: String,
        /// How many.
        #[arg(value_parser = clap::value_parser!(u32).range(0..=64))]
        count: u32,
        /// On this machine, whatever deploy/targets.toml says: a process that has moved elsewhere ends here with 0.
        #[arg(long)]
        here: bool,
        #[command(flatten)]
        reason: Reason,
    },
    /// Make what a place needs before the first release, as deploy/targets.toml names it.
    Setup {
        #[command(subcommand)]
        place: Place,
    },
    /// Show what the clock decided about copies and restarts, and try its policy on other traffic.
    Scaling {
        #[command(subcommand)]
        command: scaling::Command,
    },
    /// Stop the running `dev` or `host` and wait until everything has ended.
    Stop,
    /// Hold the socket on standard input for hosts that come and go.
    #[command(hide = true)]
    KeepSocket,
    /// Print a completion script: `sides completions bash > /etc/bash_completion.d/sides`.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DevOptions {
    /// The address that web listens on. Anything but loopback lets other machines in.
    #[arg(long, env = "HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) host: IpAddr,
    /// Web's port, or the next free one behind it.
    #[arg(long, env = "PORT", default_value_t = 3000)]
    pub(crate) port: u16,
    /// Build with optimisations.
    #[arg(long)]
    pub(crate) release: bool,
    /// Do not build again and replace what changed after each save.
    #[arg(long)]
    pub(crate) no_watch: bool,
    /// Install Postgres first when this machine has none (Debian or Ubuntu, as root).
    #[arg(long)]
    pub(crate) install: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HostOptions {
    /// The address that web listens on. Anything but loopback lets other machines in.
    #[arg(long, env = "HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) host: IpAddr,
    /// Web's port.
    #[arg(long, env = "PORT", default_value_t = 3000)]
    pub(crate) port: u16,
    /// Have this program take the place of the host that runs, which drops no connection and no process.
    #[arg(long)]
    pub(crate) replace: bool,
    /// Show what happens to the processes, but not what they print: `sides logs` has that.
    #[arg(long)]
    pub(crate) detached: bool,
    /// End everything with this process, however it ends.
    #[arg(long, hide = true)]
    pub(crate) bound: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UpOptions {
    /// The address that web listens on. Anything but loopback lets other machines in.
    #[arg(long, env = "HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) host: IpAddr,
    /// Web's port.
    #[arg(long, env = "PORT", default_value_t = 3000)]
    pub(crate) port: u16,
    /// How many seconds to wait until everything answers.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub(crate) wait: u64,
}

#[derive(Debug, Args)]
pub(crate) struct LogsOptions {
    /// Only this process, as in `Procfile.NAME`.
    pub(crate) process: Option<String>,
    /// How many lines.
    #[arg(short = 'n', long, default_value_t = 100)]
    pub(crate) lines: usize,
    /// Go on with what is printed from now on, until Ctrl-C.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Each line as JSON: at, copy, text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where processes run beside this machine.
#[derive(Debug, Subcommand)]
pub(crate) enum Place {
    /// Show which apps, Postgres and variables are missing at Heroku; with --apply, make them.
    ///
    /// Done again, it makes only what is missing. The token is read from HEROKU_API_KEY. ADMIN_TOKEN, when it is
    /// set here, becomes web's; values are never shown.
    Heroku(SetupOptions),
}

#[derive(Debug, Args)]
pub(crate) struct SetupOptions {
    /// Make what is missing. Some of it costs money.
    #[arg(long)]
    pub(crate) apply: bool,
    /// The steps as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Why something is done.
#[derive(Debug, Args)]
pub(crate) struct Reason {
    /// Why, for the ledger.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

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
    /// As JSON, with `plan_version`: deploy/README.md has the fields.
    #[arg(long)]
    pub(crate) json: bool,
    /// As a summary for a pull request.
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReleaseOptions {
    /// Only these processes.
    #[arg(long, value_name = "PROCESS")]
    pub(crate) only: Vec<String>,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Builds that are kept already, instead of a build.
    #[arg(long, hide = true, value_name = "FILE", conflicts_with = "only")]
    pub(crate) prepared: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) watching: Watching,
}

#[derive(Debug, Args)]
pub(crate) struct RehearseOptions {
    /// Only these processes.
    #[arg(long, value_name = "PROCESS")]
    pub(crate) only: Vec<String>,
    /// A variable that the programs need: NAME as it is here, or NAME=VALUE.
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) environment: Vec<String>,
    /// Enqueue no made jobs.
    #[arg(long)]
    pub(crate) no_jobs: bool,
    #[command(flatten)]
    pub(crate) watching: Watching,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackOptions {
    #[command(flatten)]
    pub(crate) watching: Watching,
}

/// How a release is watched and told.
#[derive(Debug, Args)]
pub(crate) struct Watching {
    /// Seconds to watch the new builds after the last process was replaced: requests, their times, jobs, deaths.
    #[arg(long, default_value_t = 75, value_name = "SECONDS")]
    pub(crate) bake: u64,
    /// How many times as long as before web's answers may take while it is watched; 0 for no limit.
    ///
    /// For half of them (from 250 ms on) and for 99 of 100 (from 1 s on), over several seconds.
    #[arg(long, default_value_t = 3.0, value_name = "TIMES")]
    pub(crate) slower: f64,
    /// What the prober asks of web; it must be answered with 200.
    #[arg(long, default_value = "/", value_name = "PATH")]
    pub(crate) probe: String,
    /// The receipt as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Arguments::command().debug_assert();
    }
}
