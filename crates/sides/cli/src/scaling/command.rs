//! What can be typed behind `sides scaling`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What was found and decided about processes, with the numbers it was decided with. The last first.
    Log {
        /// As JSON, with everything that was measured.
        #[arg(long)]
        json: bool,
        /// How many.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        count: u16,
    },
    /// Play traffic against the policy that the clock follows, and plot instances against delay.
    Simulate(Box<SimulateOptions>),
}

#[derive(Debug, Args)]
pub(crate) struct SimulateOptions {
    /// recorded (the jobs in the history), burst, step, day, or a file with a line `SECOND DURATION` for each job.
    #[arg(default_value = "recorded", value_name = "TRAFFIC")]
    pub(crate) traffic: String,
    /// How many hours of the history.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=720))]
    pub(crate) hours: u16,
    /// The fewest and the most instances, as in SCALE.
    #[arg(long, alias = "copies", default_value = "1-4", value_name = "MIN-MAX")]
    pub(crate) instances: ::autoscale::Policy,
    /// How many jobs an instance runs at a time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) slots: u32,
    /// How many seconds a new instance takes until it is ready.
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
    /// Write the plot as an SVG file too.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Every second, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
