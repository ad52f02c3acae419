//! A scheduler, put together.

use std::sync::Arc;

use anyhow::Context as _;
use process::Process;
use schedule::{Schedule, validate};

use crate::{SystemTime, Time, ticker::Ticker};

/// Fires schedules for as long as its process runs.
pub struct Scheduler {
    schedules: Vec<Schedule>,
    time: Arc<dyn Time>,
}

impl Scheduler {
    /// Fires these schedules, and those stored in the database.
    #[must_use]
    pub fn new(schedules: Vec<Schedule>) -> Self {
        Self { schedules, time: Arc::new(SystemTime) }
    }

    /// Reads this machine's time from somewhere else.
    #[must_use]
    pub fn time(mut self, time: impl Time) -> Self {
        self.time = Arc::new(time);
        self
    }

    /// Starts the loop `ticks` of the process. It runs until the process drains; a database that is away is waited for.
    ///
    /// # Errors
    /// When a schedule is wrong, or the process has metrics of the same names already.
    pub fn start(self, process: &Process) -> anyhow::Result<()> {
        validate(&self.schedules)?;
        let ticker = Ticker::new(process.clone(), self.schedules, self.time);
        process.spawn_loop("ticks", ticker.context("the scheduler's metrics cannot be set up")?.run());
        Ok(())
    }
}
