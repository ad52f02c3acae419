//! The arguments of `sides scaling`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show findings and decisions about processes with the figures behind them, newest first.
    Log {
        /// As JSON, with everything that was measured.
        #[arg(long)]
        json: bool,
        /// How many to show.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        count: u16,
    },
    /// Simulate traffic against the clock's scaling policy, and plot instances against delay.
    Simulate(Box<SimulateOptions>),
}

#[derive(Debug, Args)]
pub(crate) struct SimulateOptions {
    /// recorded (jobs from the history), burst, step, day, or a file with a line `SECOND DURATION` per job.
    #[arg(default_value = "recorded", value_name = "TRAFFIC")]
    pub(crate) traffic: String,
    /// How many hours of the history.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=720))]
    pub(crate) hours: u16,
    /// The minimum and maximum number of instances, as in SCALE.
    #[arg(long, alias = "copies", default_value = "1-4", value_name = "MIN-MAX")]
    pub(crate) instances: ::autoscale::Policy,
    /// How many jobs an instance runs at once.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) slots: u32,
    /// How many seconds a new instance needs to become ready.
    #[arg(long, default_value_t = 3, value_name = "SECONDS")]
    pub(crate) start: u64,
    /// As `SCALE_DELAY_SECONDS`.
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    pub(crate) delay: u64,
    /// As `SCALE_CALM_SECONDS`.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    pub(crate) calm: u64,
    /// As `SCALE_UP_SECONDS`.
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    pub(crate) up: u64,
    /// As `SCALE_DOWN_SECONDS`.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub(crate) down: u64,
    /// Also write the plot to an SVG file.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Every second, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
