//! A clock, put together.

use std::sync::Arc;

use anyhow::Context as _;
use process::Process;
use schedule::{Schedule, validate};

use crate::{Door, SystemTime, Time, WatchSettings, ticker::Ticker, watch::Watcher};

/// What a clock does: `Clock::new(schedules).watch(settings).run(process)`
pub struct Clock {
    schedules: Vec<Schedule>,
    time: Arc<dyn Time>,
    watch: Option<WatchSettings>,
    door: Option<Arc<dyn Door>>,
}

impl Clock {
    /// Keeps these schedules, and those stored in the database.
    #[must_use]
    pub fn new(schedules: Vec<Schedule>) -> Self {
        Self { schedules, time: Arc::new(SystemTime), watch: None, door: None }
    }

    /// Reads this machine's time from somewhere else.
    #[must_use]
    pub fn time(mut self, time: impl Time) -> Self {
        self.time = Arc::new(time);
        self
    }

    /// Watches every process too.
    #[must_use]
    pub fn watch(mut self, settings: WatchSettings) -> Self {
        self.watch = Some(settings);
        self
    }

    /// Restarts through this what is found down. Without it, finding and telling is all there is.
    #[must_use]
    pub fn door(mut self, door: impl Door) -> Self {
        self.door = Some(Arc::new(door));
        self
    }

    /// Runs until the process drains.
    ///
    /// # Errors
    /// When a schedule is wrong. A database that is away is waited for.
    pub async fn run(self, process: Process) -> anyhow::Result<()> {
        validate(&self.schedules)?;
        let drain = process.drain.clone();
        let ticker = Ticker::new(process.clone(), self.schedules, self.time);
        process.spawn_loop("ticks", ticker.context("the metrics cannot be set up")?.run());
        if let Some(settings) = self.watch {
            process.spawn_loop("watching", Watcher::new(process.clone(), settings, self.door)?.run());
        }
        drain.started().await;
        Ok(())
    }
}
