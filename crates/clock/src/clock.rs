//! A clock, put together.

use std::sync::Arc;

use anyhow::Context as _;
use platform::routes::Routes;
use process::Process;
use schedule::{Schedule, validate};

use crate::{
    SystemTime, TendSettings, Time, WatchSettings, door::Door, tend::Tender, ticker::Ticker, watch::Watcher,
};

/// What a clock does: `Clock::new(schedules).watch(settings).run(process)`
pub struct Clock {
    schedules: Vec<Schedule>,
    time: Arc<dyn Time>,
    watch: Option<WatchSettings>,
    tend: Option<TendSettings>,
    routes: Routes,
}

impl Clock {
    /// Keeps these schedules, and those stored in the database.
    #[must_use]
    pub fn new(schedules: Vec<Schedule>) -> Self {
        Self { schedules, time: Arc::new(SystemTime), watch: None, tend: None, routes: Routes::default() }
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

    /// Recycles and scales too, where there is a [place](Self::routes) to do it.
    #[must_use]
    pub fn tend(mut self, settings: TendSettings) -> Self {
        self.tend = Some(settings);
        self
    }

    /// Where the processes run: through it, what is down is restarted. Of those without a place, finding and telling
    /// is all there is.
    #[must_use]
    pub fn routes(mut self, routes: Routes) -> Self {
        self.routes = routes;
        self
    }

    /// Runs until the process drains.
    ///
    /// # Errors
    /// When a schedule is wrong. A database that is away is waited for.
    pub async fn run(self, process: Process) -> anyhow::Result<()> {
        validate(&self.schedules)?;
        // Only fails when one is installed already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let drain = process.drain.clone();
        let ticker = Ticker::new(process.clone(), self.schedules, self.time);
        process.spawn_loop("ticks", ticker.context("the metrics cannot be set up")?.run());
        let door = (!self.routes.is_empty()).then(|| Door::new(self.routes, process.clone()));
        if let (Some(settings), Some(door)) = (self.tend, door.clone()) {
            for process in settings.scale.keys().filter(|process| door.abilities(process).is_none()) {
                tracing::warn!(
                    "SCALE names {process}, which no place here runs: name its app in HEROKU_APPS"
                );
            }
            process.spawn_loop("tending", Tender::new(process.clone(), settings, door)?.run());
        }
        if let Some(settings) = self.watch {
            process.spawn_loop("watching", Watcher::new(process.clone(), settings, door)?.run());
        }
        drain.started().await;
        Ok(())
    }
}
