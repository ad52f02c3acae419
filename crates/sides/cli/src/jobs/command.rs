//! The arguments of `sides jobs`.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use crate::names::complete;
use uuid::Uuid;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List jobs, newest first; finished ones only if --state asks for them.
    List(ListOptions),
    /// Count jobs by kind, and show what holds a kind up.
    Kinds {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the history of one job: who enqueued it, every attempt with its release, error and duration, and how it
    /// ended.
    Show(ShowOptions),
    /// Retry failed or parked jobs now, with all their attempts.
    Retry(ChangeOptions),
    /// Return parked jobs to the queue, with their remaining attempts.
    Unpark(ChangeOptions),
    /// Cancel jobs; running ones are told to stop.
    Cancel(ChangeOptions),
    /// Discard failed or parked jobs; if named by id, also waiting ones.
    Discard(ChangeOptions),
    /// Pause a queue or a kind: no job starts until it is resumed. Running jobs continue.
    Pause(ScopeOptions),
    /// End a pause.
    Resume(ScopeOptions),
}

/// How a job stands, in the words that `show` uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum State {
    Waits,
    Runs,
    Failed,
    Parked,
    Finished,
    Discarded,
    Cancelled,
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Runs => "runs",
            Self::Failed => "failed",
            Self::Parked => "parked",
            Self::Finished => "finished",
            Self::Discarded => "discarded",
            Self::Cancelled => "cancelled",
        }
    }

    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Discarded | Self::Cancelled)
    }
}

#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    /// Only jobs of this kind.
    #[arg(long, add = ArgValueCompleter::new(complete::kinds))]
    pub(crate) kind: Option<String>,
    /// Only jobs in this queue.
    #[arg(long, add = ArgValueCompleter::new(complete::queues))]
    pub(crate) queue: Option<String>,
    /// Only jobs in this state.
    #[arg(long)]
    pub(crate) state: Option<State>,
    /// Only jobs with this tag.
    #[arg(long)]
    pub(crate) tag: Option<String>,
    /// For finished jobs, how many hours back.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) hours: u32,
    /// How many to show.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) count: u32,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowOptions {
    /// The job.
    pub(crate) id: Uuid,
    /// Show its arguments, too. They may be private.
    #[arg(long)]
    pub(crate) arguments: bool,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).multiple(true).args(["ids", "kind", "queue"])))]
pub(crate) struct ChangeOptions {
    /// The ids of the jobs; instead, --kind or --queue selects all of one.
    #[arg(conflicts_with_all = ["kind", "queue"])]
    pub(crate) ids: Vec<Uuid>,
    /// All of this kind.
    #[arg(long, add = ArgValueCompleter::new(complete::kinds))]
    pub(crate) kind: Option<String>,
    /// All in this queue; with --kind, all that match both.
    #[arg(long, add = ArgValueCompleter::new(complete::queues))]
    pub(crate) queue: Option<String>,
    /// Why, for the ledger and the job's history.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Scope {
    /// The queue.
    #[arg(long, add = ArgValueCompleter::new(complete::queues))]
    pub(crate) queue: Option<String>,
    /// The kind.
    #[arg(long, add = ArgValueCompleter::new(complete::kinds))]
    pub(crate) kind: Option<String>,
}

impl Scope {
    /// What it is, and its name.
    pub(super) fn parts(&self) -> (&'static str, &str) {
        match (&self.queue, &self.kind) {
            (Some(queue), _) => ("queue", queue),
            (None, kind) => ("kind", kind.as_deref().unwrap_or_default()),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ScopeOptions {
    #[command(flatten)]
    pub(crate) scope: Scope,
    /// Why, for the ledger.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
