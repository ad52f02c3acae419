//! How a release is watched and told: arguments that several commands share.

use clap::Args;

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
