//! The command line, for the binary `migrate` and for whoever offers the same commands.

mod report;
mod run;

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub use run::{Outcome, run};

/// What the exit codes mean, for a `--help`.
pub const EXIT_CODES: &str = "Exit codes:
   0  done, or nothing to do
   1  failed; nothing was changed
   2  wrong arguments
   3  refused: what is applied and what is here do not go together; nothing was changed
   4  partial: some migrations were applied or reverted before one failed
  75  another runner is at work (--no-wait)
  78  DATABASE_URL is missing or wrong";

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Apply every pending migration
    Up(Up),
    /// Revert applied migrations, newest first
    Down(Down),
    /// Show what is applied and what is pending
    Status,
    /// Accept edited files of applied migrations as what the database has
    Repair,
}

/// Options of `up`.
#[derive(Debug, Clone, Default, Args)]
pub struct Up {
    /// Give up at once when another runner is at work
    #[arg(long)]
    pub no_wait: bool,
    /// Apply pending migrations that are older than applied ones too
    #[arg(long)]
    pub out_of_order: bool,
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
    /// Read migrations from this folder instead of those built in
    #[arg(long, global = true, value_name = "PATH")]
    pub folder: Option<PathBuf>,
}
