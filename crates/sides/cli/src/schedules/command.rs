//! The arguments of `sides schedule`.

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCompleter;

use crate::names::complete;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List all schedules: those in the clock's code and those that were added.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show when a schedule fires next, including the next change of daylight saving time.
    Preview(PreviewOptions),
    /// Add a schedule; with --replace, change one that was added.
    Add(AddOptions),
    /// Remove a schedule that was added. One in the code can only be paused.
    Remove {
        /// Its name.
        #[arg(add = ArgValueCompleter::new(complete::added_schedules))]
        name: String,
    },
    /// Stop firing a schedule until it is resumed.
    Pause {
        /// Its name.
        #[arg(add = ArgValueCompleter::new(complete::schedules))]
        name: String,
    },
    /// End a pause. Firings missed during the pause are not made up.
    Resume {
        /// Its name.
        #[arg(add = ArgValueCompleter::new(complete::schedules))]
        name: String,
    },
    /// Fire a schedule now, even a paused one, and wait until a clock has done so.
    Run {
        /// Its name.
        #[arg(add = ArgValueCompleter::new(complete::schedules))]
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct PreviewOptions {
    /// The name of a schedule, or an expression: "17 3 * * *", "@hourly", "every 10 s", "@daily jitter 1 h".
    #[arg(value_name = "NAME|EXPRESSION", add = ArgValueCompleter::new(complete::schedules))]
    pub(crate) what: String,
    /// The time zone of the expression; a schedule has its own.
    #[arg(long)]
    pub(crate) zone: Option<String>,
    /// Start at this time, such as 2027-03-27T00:00:00Z; by default now.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<DateTime<Utc>>,
    /// The number of firings.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) count: u16,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl PreviewOptions {
    /// No name has a blank or begins like a nickname.
    pub(crate) fn is_expression(&self) -> bool {
        self.what.starts_with('@') || self.what.contains(char::is_whitespace)
    }
}

#[derive(Debug, Args)]
pub(crate) struct AddOptions {
    /// Its name.
    pub(crate) name: String,
    /// When it is due: "17 3 * * *", "@hourly", "every 10 s", "@daily jitter 1 h".
    pub(crate) expression: String,
    /// The kind of the job to enqueue.
    #[arg(add = ArgValueCompleter::new(complete::kinds))]
    pub(crate) kind: String,
    /// The time zone of the expression.
    #[arg(long, default_value = "UTC")]
    pub(crate) zone: String,
    /// The arguments of the job, a JSON object.
    #[arg(long, default_value = "{}", value_name = "JSON")]
    pub(crate) arguments: String,
    /// The version of the contract that the arguments are written in; by default the newest that all running workers
    /// can read.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i16).range(1..))]
    pub(crate) arguments_version: Option<i16>,
    /// What happens to ticks missed while no clock was running: skip, latest, "all within 2 h".
    #[arg(long, default_value = "latest", value_name = "POLICY")]
    pub(crate) missed: String,
    /// What happens if the previous job has not ended yet: merge (enqueue none), allow (enqueue another).
    #[arg(long, default_value = "merge", value_name = "POLICY")]
    pub(crate) overlap: String,
    /// Change an existing schedule of this name.
    #[arg(long)]
    pub(crate) replace: bool,
}
