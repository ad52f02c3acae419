//! A controller, put together.

use std::sync::Arc;

use platform::{local::LocalHost, place::Place, routes::Routes};
use process::Process;

use crate::{Settings, actuator::Actuator, reconciler::Reconciler, watch::Watcher};

/// Looks after the fleet for as long as its process runs.
pub struct Controller {
    settings: Settings,
    routes: Routes,
}

impl Controller {
    /// Acts through the host that started this process, if one did, and through Heroku where the settings name apps.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(settings: Settings) -> anyhow::Result<Self> {
        let host = LocalHost::of_this_process().map(|host| Arc::new(host) as Arc<dyn Place>);
        let mut routes = Routes::new(host);
        if let Some(heroku) = &settings.heroku {
            routes = routes.with(heroku.processes(), &heroku.place()?);
        }
        Ok(Self { settings, routes })
    }

    /// Acts through these places instead. What none of them runs is watched, and no more.
    #[must_use]
    pub fn routes(mut self, routes: Routes) -> Self {
        self.routes = routes;
        self
    }

    /// Starts the loops `watching` and, where there is a place to act through, `reconciling`. They run until the
    /// process drains; a database that is away is waited for.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn start(self, process: &Process) -> anyhow::Result<()> {
        // Only fails when one is installed already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let Self { settings, routes } = self;
        let actuator = (!routes.is_empty()).then(|| Actuator::new(routes, process.clone()));
        let watcher = Watcher::new(process.clone(), settings.watch.clone(), actuator.clone())?;
        if let Some(actuator) = actuator {
            for unplaced in settings.scale.policies.keys().filter(|name| actuator.abilities(name).is_none()) {
                tracing::warn!(
                    "SCALE names {unplaced}, which runs at no place known here: give its app in HEROKU_APPS"
                );
            }
            process.spawn_loop("reconciling", Reconciler::new(process.clone(), settings, actuator)?.run());
        }
        process.spawn_loop("watching", watcher.run());
        Ok(())
    }
}
