//! The command line of the binary `migrate`, and of other programs with the same commands.

mod annotations;
mod backfill_text;
mod backfills;
mod check;
mod export;
mod findings;
mod grants;
mod new;
mod outcome;
mod planned;
mod progress;
mod report;
mod run;
mod shown;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use database::DatabaseUrl;

use crate::class::Phase;

pub use outcome::Outcome;
pub use run::{run, without_database};

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
    /// Create a new migration
    New {
        /// What it does, such as add_region
        name: String,
    },
    /// Try the pending migrations on a scratch database; show what must not run, and what to write instead
    Check(Check),
    /// Show what `up` would do: each pending migration's phase, locks, and changes to tables and columns
    Plan(Plan),
    /// Apply every pending migration
    Up(Up),
    /// Run, pause, resume or show backfills: data changed in batches while the code runs
    Backfill {
        /// What to do with them.
        #[command(subcommand)]
        order: Backfill,
    },
    /// Grant each process's role the rights that its releases declare
    Grants(Grants),
    /// Revert applied migrations, newest first
    Down(Down),
    /// Show what is applied and what is pending
    Status(Status),
    /// Accept edited files of applied migrations as the state of the database
    Repair,
    /// Write all migrations, including the chassis', to a directory for diesel's own command line
    Export {
        /// Where; it is made
        to: PathBuf,
    },
}

/// Options of `check`.
#[derive(Debug, Clone, Default, Args)]
pub struct Check {
    /// Rewrite the migrations as suggested
    #[arg(long)]
    pub fix: bool,
    /// Also check applied migrations
    #[arg(long)]
    pub all: bool,
    /// Print findings as GitHub workflow commands; the default if GITHUB_ACTIONS is set
    #[arg(long)]
    pub annotate: bool,
    /// The server to create the scratch database on, instead of a private one on this machine
    #[arg(long, value_name = "URL")]
    pub shadow: Option<DatabaseUrl>,
}

/// Options of `plan`.
#[derive(Debug, Clone, Default, Args)]
pub struct Plan {
    /// The server to create the scratch database on, instead of a private one on this machine
    #[arg(long, value_name = "URL")]
    pub shadow: Option<DatabaseUrl>,
}

/// Options of `status`.
#[derive(Debug, Clone, Default, Args)]
pub struct Status {
    /// Compare the schema with the result of the applied migrations on a scratch database
    #[arg(long)]
    pub drift: bool,
    /// The server to create the scratch database on, instead of a private one on this machine
    #[arg(long, value_name = "URL", requires = "drift")]
    pub shadow: Option<DatabaseUrl>,
}

/// Options of `up`.
#[derive(Debug, Clone, Default, Args)]
pub struct Up {
    /// Apply only migrations of this phase, except those that need an earlier one of another phase
    #[arg(long)]
    pub phase: Option<Phase>,
    /// Apply only the migration of this name (repeatable), unless it needs an earlier one
    #[arg(long, value_name = "NAME", conflicts_with = "phase")]
    pub only: Vec<String>,
    /// Give up at once if another runner is running
    #[arg(long)]
    pub no_wait: bool,
    /// Also apply pending migrations that are older than applied ones
    #[arg(long)]
    pub out_of_order: bool,
    /// How often to try for a lock that others hold [default: 30, which is about a minute]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub tries: Option<u32>,
}

/// Options of `grants`.
#[derive(Debug, Clone, Default, Args)]
pub struct Grants {
    /// A manifest to include beside those of the running releases, as printed by --manifest (repeatable)
    #[arg(long, value_name = "FILE")]
    pub manifest: Vec<PathBuf>,
    /// Revoke what neither the running releases nor the given ones declare
    #[arg(long)]
    pub narrow: bool,
}

/// What may be done with backfills.
#[derive(Debug, Clone, Subcommand)]
pub enum Backfill {
    /// Run the pending backfills to the end; continues where an earlier run stopped
    Run(RunBackfill),
    /// Pause them after the current batch, until they are resumed
    Pause {
        /// Only these migrations
        names: Vec<String>,
    },
    /// End a pause: a waiting runner continues
    Resume {
        /// Only these migrations
        names: Vec<String>,
    },
    /// Show the progress of each
    Status,
}

/// Options of `backfill run`.
#[derive(Debug, Clone, Default, Args)]
pub struct RunBackfill {
    /// Only these migrations
    pub names: Vec<String>,
    /// Give up at once if another runner is running on the same
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
    /// Revert even if a trial on a scratch database shows that the schema would not be what it was before
    #[arg(long)]
    pub anyway: bool,
    /// Give up at once if another runner is running
    #[arg(long)]
    pub no_wait: bool,
}

/// Options of every command.
#[derive(Debug, Clone, Default, Args)]
pub struct Common {
    /// Print JSON, one object per line
    #[arg(long, global = true)]
    pub json: bool,
    /// Read migrations from this directory instead of the built-in ones; the default of new and check is ./migrations
    #[arg(long, global = true, value_name = "PATH")]
    pub folder: Option<PathBuf>,
    /// Exit with 5 instead of 0 if there was nothing to do
    #[arg(long, global = true)]
    pub detailed_exit_code: bool,
}
