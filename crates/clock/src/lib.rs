//! Fires jobs by name when they are due.
//!
//! A tick is one due moment of one schedule. Its row in `sides.ticks` and its job are written in one
//! transaction, and the row's primary key makes it fire once: any number of clocks may run, none leads, and
//! each may be killed at any time. A clock sleeps until the next tick; it does not poll. What people change in
//! the database, every clock hears of at once.
//!
//! Never knows models or handlers, and its database role has no right on their tables.

mod announce;
mod figures;
mod orders;
mod prune;
pub mod schedules;
mod schema;
mod session;
mod tick;
mod ticker;
mod time;
mod timeline;
mod wall;

pub use time::{SystemTime, Time};

use std::sync::Arc;

use anyhow::Context as _;
use schedule::{Schedule, validate};

/// Keeps these schedules, and those stored in the database, until the process drains.
///
/// # Errors
/// When a schedule is wrong. A database that is away is waited for.
pub async fn run(process: process::Process, schedules: Vec<Schedule>, time: impl Time) -> anyhow::Result<()> {
    validate(&schedules)?;
    let drain = process.drain.clone();
    let ticker = ticker::Ticker::new(process.clone(), schedules, Arc::new(time));
    process.spawn_loop("ticks", ticker.context("the metrics cannot be set up")?.run());
    drain.started().await;
    Ok(())
}
