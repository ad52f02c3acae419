//! Fires jobs by name when they are due.
//!
//! A tick is one due moment of one schedule. Its row in `sides.ticks` and its job are written in one
//! transaction, and the row's primary key makes it fire once: any number of clocks may run, none leads, and
//! each may be killed at any time. A clock sleeps until the next tick; it does not poll.
//!
//! Never knows models or handlers, and its database role has no right on their tables.

mod announce;
mod figures;
mod prune;
pub mod schedules;
mod schema;
mod session;
mod tick;
mod ticker;
mod timeline;
mod wall;

use anyhow::Context as _;
use schedule::{Schedule, validate};

/// Keeps the schedules until the process drains.
///
/// # Errors
/// When a schedule is wrong. A database that is away is waited for.
pub async fn run(process: process::Process, schedules: Vec<Schedule>) -> anyhow::Result<()> {
    validate(&schedules)?;
    let drain = process.drain.clone();
    tracing::info!("keeps {} schedules", schedules.len());
    let ticker = ticker::Ticker::new(process.clone(), schedules).context("the metrics cannot be set up")?;
    process.spawn_loop("ticks", ticker.run());
    drain.started().await;
    Ok(())
}
