//! The command line, for the binary `migrate` and for whoever offers the same commands.

mod annotations;
mod backfills;
mod check;
mod export;
mod findings;
mod grants;
mod new;
mod planned;
mod progress;
mod report;
mod run;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use database::DatabaseUrl;

use crate::class::Phase;

pub use run::{Outcome, run, without_database};

/// What the exit codes mean, for a `--help`.
pub const EXIT_CODES: &str = "Exit codes:
   0  success, or nothing to do
   1  failed; nothing was changed
   2  invalid arguments
   3  refused, and nothing was changed: a statement of a migration must not run as it is (check),
      what is applied does not match what is here (up, down), a down.sql does not restore
      what was there (down), or the schema is not what was applied (status --drift)
   4  partial: some migrations were applied or reverted before one failed, or a backfill is paused
   5  nothing to do (only with --detailed-exit-code)
  75  another runner is running (--no-wait)
  78  DATABASE_URL is missing or invalid";

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Make a folder for a new migration
    New {
        /// What it does, like add_region
        name: String,
    },
    /// Try the pending migrations on a scratch database and say what may not run, and what to write instead
    Check(Check),
    /// Say what `up` would do: each pending migration's phase, locks, and changes to tables and columns
    Plan(Plan),
    /// Apply every pending migration
    Up(Up),
    /// Run, pause, resume or show the backfills: data changed in batches, beside the code
    Backfill {
        /// What to do with them.
        #[command(subcommand)]
        order: Backfill,
    },
    /// Give each process's role the rights that its releases declare
    Grants(Grants),
    /// Revert applied migrations, newest first
    Down(Down),
    /// Show what is applied and what is pending
    Status(Status),
    /// Accept edited files of applied migrations as what the database has
    Repair,
    /// Write all migrations, the chassis' too, into a folder for diesel's own command line
    Export {
        /// Where; it is made
        to: PathBuf,
    },
}

/// Options of `check`.
#[derive(Debug, Clone, Default, Args)]
pub struct Check {
    /// Write what is to be written instead
    #[arg(long)]
    pub fix: bool,
    /// Look at applied migrations too
    #[arg(long)]
    pub all: bool,
    /// Print findings as GitHub workflow commands; the default where GITHUB_ACTIONS is set
    #[arg(long)]
    pub annotate: bool,
    /// The server on which the scratch database is made, instead of a private one of this machine's
    #[arg(long, value_name = "URL")]
    pub shadow: Option<DatabaseUrl>,
}

/// Options of `plan`.
#[derive(Debug, Clone, Default, Args)]
pub struct Plan {
    /// The server on which the scratch database is made, instead of a private one of this machine's
    #[arg(long, value_name = "URL")]
    pub shadow: Option<DatabaseUrl>,
}

/// Options of `status`.
#[derive(Debug, Clone, Default, Args)]
pub struct Status {
    /// Compare the schema with what the applied migrations make on a scratch database
    #[arg(long)]
    pub drift: bool,
    /// The server on which the scratch database is made, instead of a private one of this machine's
    #[arg(long, value_name = "URL", requires = "drift")]
    pub shadow: Option<DatabaseUrl>,
}

/// Options of `up`.
#[derive(Debug, Clone, Default, Args)]
pub struct Up {
    /// Only migrations of this phase; one that needs an earlier one of another phase waits for it
    #[arg(long)]
    pub phase: Option<Phase>,
    /// Only the migration of this name (may be given more than once); one that needs an earlier one waits for it
    #[arg(long, value_name = "NAME", conflicts_with = "phase")]
    pub only: Vec<String>,
    /// Give up at once when another runner is at work
    #[arg(long)]
    pub no_wait: bool,
    /// Apply pending migrations that are older than applied ones too
    #[arg(long)]
    pub out_of_order: bool,
    /// How often a lock that others hold is tried until it is given up [default: 30, which is about a minute]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub tries: Option<u32>,
}

/// Options of `grants`.
#[derive(Debug, Clone, Default, Args)]
pub struct Grants {
    /// What a release prints with --manifest, beside those that run (may be given more than once)
    #[arg(long, value_name = "FILE")]
    pub manifest: Vec<PathBuf>,
    /// Take what neither the running releases nor the given ones declare
    #[arg(long)]
    pub narrow: bool,
}

/// What may be done with backfills.
#[derive(Debug, Clone, Subcommand)]
pub enum Backfill {
    /// Run the pending ones until they are done; goes on where an earlier run was ended
    Run(RunBackfill),
    /// Have them rest after the present batch, until they are resumed
    Pause {
        /// Only these migrations
        names: Vec<String>,
    },
    /// Take a pause back: a runner that waits goes on
    Resume {
        /// Only these migrations
        names: Vec<String>,
    },
    /// Show how far each has come
    Status,
}

/// Options of `backfill run`.
#[derive(Debug, Clone, Default, Args)]
pub struct RunBackfill {
    /// Only these migrations
    pub names: Vec<String>,
    /// Give up at once when another runner is at work on the same
    #[arg(long)]
    pub no_wait: bool,
    /// How long a batch should take; at three times as long it lets its rows go [default: 50]
    #[arg(long, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub batch_time: Option<u64>,
    /// The part of the time in which it works, in percent [default: 50]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub share: Option<u8>,
    /// How far a replica may be behind, in milliseconds [default: 1000]
    #[arg(long, value_name = "MILLISECONDS")]
    pub replica_lag: Option<u64>,
    /// How many sessions of others may work at once before it slows down [default: 40]
    #[arg(long, value_name = "N")]
    pub active: Option<i64>,
}

/// Options of `down`.
#[derive(Debug, Clone, Args)]
pub struct Down {
    /// How many to revert
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "all")]
    pub count: usize,
    /// Revert all of them
    #[arg(long)]
    pub all: bool,
    /// Revert although the schema would not be what it was before, as a rehearsal on a scratch database says
    #[arg(long)]
    pub anyway: bool,
    /// Give up at once when another runner is at work
    #[arg(long)]
    pub no_wait: bool,
}

/// Options of every command.
#[derive(Debug, Clone, Default, Args)]
pub struct Common {
    /// Print JSON, one object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// Read migrations from this folder instead of those built in; new and check use ./migrations otherwise
    #[arg(long, global = true, value_name = "PATH")]
    pub folder: Option<PathBuf>,
    /// Leave with 5 instead of 0 when there was nothing to do
    #[arg(long, global = true)]
    pub detailed_exit_code: bool,
}
