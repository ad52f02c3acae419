//! How fast time passes at this Heroku.

use std::time::Duration;

/// What takes minutes there takes a moment here; the order is the same.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Within it a web dyno must listen on its port. 60 s there.
    pub boot_limit: Duration,
    /// From SIGTERM to SIGKILL. 30 s there.
    pub grace: Duration,
    /// How long the old web dynos go on beside the new ones with preboot. About 3 minutes there.
    pub preboot_window: Duration,
    /// How long a visitor waits for a dyno that boots. 75 s there.
    pub router_limit: Duration,
    /// Until a crashed dyno is started again.
    pub crash_pause: Duration,
    /// What a new Postgres answers to.
    pub database_url: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            boot_limit: Duration::from_secs(15),
            grace: Duration::from_secs(5),
            preboot_window: Duration::from_secs(2),
            router_limit: Duration::from_secs(30),
            crash_pause: Duration::from_millis(500),
            database_url: "postgres://simulated.invalid/app".to_owned(),
        }
    }
}
