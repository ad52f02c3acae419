//! The settings of the watch.

use std::time::Duration;

use process::{Environment, Secret};

/// Read from the environment.
#[derive(Debug, Clone)]
pub struct WatchSettings {
    /// `WATCH_SECONDS`: the time between two rounds.
    pub every: Duration,
    /// `WATCH_FAILURES`: so many failures in a row make it an incident.
    pub failures: u32,
    /// `RESTARTS_PER_HOUR`: the budget of each process for restarts by clocks; 0 leaves what is down to people.
    pub restarts_per_hour: usize,
    /// `WATCH_WEBHOOK_URL`: who is notified when the queue cannot notify anyone.
    pub webhook: Option<Secret>,
    /// `DEADMAN_URL`: requested while all is well.
    pub deadman: Option<Secret>,
    /// `DEADMAN_SECONDS`: how often.
    pub deadman_every: Duration,
}

impl WatchSettings {
    /// Reads the variables. Faults stay in the environment.
    pub fn read(environment: &mut Environment) -> Self {
        let every = environment.seconds("WATCH_SECONDS", 5, 1..=3600);
        environment.about("WATCH_SECONDS", "how often every process is checked");
        let failures = environment.number("WATCH_FAILURES", 3, 1..=100);
        environment.about("WATCH_FAILURES", "the number of failures in a row that counts as down");
        let restarts_per_hour = environment.number("RESTARTS_PER_HOUR", 6, 0..=100);
        environment.about(
            "RESTARTS_PER_HOUR",
            "how often in an hour a process that is down may be restarted; 0: never",
        );
        let webhook = url(environment, "WATCH_WEBHOOK_URL");
        environment.about("WATCH_WEBHOOK_URL", "receives a POST when the database or every worker is down");
        let deadman = url(environment, "DEADMAN_URL");
        environment.about("DEADMAN_URL", "requested while all is well; alert when the requests stop");
        let deadman_every = environment.seconds("DEADMAN_SECONDS", 60, 1..=86_400);
        environment.about("DEADMAN_SECONDS", "how often DEADMAN_URL is requested");
        Self { every, failures, restarts_per_hour, webhook, deadman, deadman_every }
    }
}

fn url(environment: &mut Environment, name: &str) -> Option<Secret> {
    let secret = environment.secret(name)?;
    let parsed = reqwest::Url::parse(secret.expose());
    if !parsed.is_ok_and(|url| ["http", "https"].contains(&url.scheme())) {
        // Not its text: whoever knows such an address may use it.
        environment.fault(name, "is not an address: give one like https://example.com/…");
        return None;
    }
    Some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faulty_address_is_named_and_not_shown() {
        let pairs = [("DEADMAN_URL", "hc-ping.com/s3cret"), ("WATCH_WEBHOOK_URL", "https://example.com/x")];
        let mut environment: Environment = pairs.into_iter().collect();
        let settings = WatchSettings::read(&mut environment);
        assert!(settings.webhook.is_some() && settings.deadman.is_none());
        let faults: Vec<String> = environment.faults().iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with("DEADMAN_URL") && !faults[0].contains("s3cret"), "{faults:?}");
    }
}
