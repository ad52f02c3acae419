//! How a runner behaves.

use std::time::Duration;

use uuid::Uuid;

/// Settings of one runner; `..RunnerConfig::default()` fills in what is not named.
#[derive(Debug, Clone)]
pub struct RunnerConfig {
    /// How many jobs run at the same time.
    pub concurrency: usize,
    /// At most how many jobs beyond the running ones are claimed ahead. How many really are follows from how
    /// fast they run: a tenth of a second's worth.
    pub prefetch: usize,
    /// The process's instance id, for people who follow a job to where it ran.
    pub instance: Uuid,
    /// The process's release.
    pub release: String,
    /// How long this runner's jobs stay its own when it is not heard of. Renewed every quarter of it.
    pub lease: Duration,
    /// How often to look for jobs when nothing wakes the runner: for scheduled jobs, and in case a
    /// notification was lost.
    pub poll: Duration,
    /// How long an attempt that was told to stop may go on before it is dropped where it waits.
    pub grace: Duration,
    /// How long jobs that are over and their attempts are remembered, by whole days: 30 days, unless told otherwise. `None` is
    /// for ever. Of a unique key that is taken until it is forgotten this is the time.
    pub history: Option<Duration>,
}

impl Default for RunnerConfig {
    fn default() -> Self {
        Self {
            concurrency: 16,
            prefetch: 5000,
            instance: Uuid::nil(),
            release: "dev".to_owned(),
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            grace: Duration::from_secs(5),
            history: Some(Duration::from_secs(30 * 86_400)),
        }
    }
}
