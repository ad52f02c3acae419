//! Which processes are scaled, and how.

use std::{collections::BTreeMap, time::Duration};

use autoscale::Policy;
use process::Environment;

/// Read from the environment.
#[derive(Debug, Clone)]
pub struct ScaleSettings {
    /// `SCALE`: which processes are scaled, between which numbers, and by the `SCALE_…` variables how.
    pub policies: BTreeMap<String, Policy>,
}

impl ScaleSettings {
    /// Reads the variables. Faults stay in the environment.
    pub fn read(environment: &mut Environment) -> Self {
        let scale = environment.text("SCALE", "");
        environment.about(
            "SCALE",
            "the minimum and maximum number of instances of each scaled process: worker=1-4, web=1-2",
        );
        let seconds = |environment: &mut Environment, name, default, about: &str| {
            let read = environment.seconds(name, default, 0..=86_400);
            environment.about(name, about);
            read
        };
        let usual = Policy {
            delay: seconds(
                environment,
                "SCALE_DELAY_SECONDS",
                10,
                "a job that waits longer than this causes scaling up",
            ),
            up_pause: seconds(
                environment,
                "SCALE_UP_SECONDS",
                20,
                "the shortest time from a change to scaling up",
            ),
            calm: seconds(
                environment,
                "SCALE_CALM_SECONDS",
                120,
                "how long it must be calm before scaling down",
            ),
            down_pause: seconds(
                environment,
                "SCALE_DOWN_SECONDS",
                60,
                "the shortest time from a change to scaling down",
            ),
            hold: seconds(
                environment,
                "SCALE_HOLD_SECONDS",
                900,
                "how long a number set by a person is kept",
            ),
            latency: Duration::from_millis(environment.number("SCALE_LATENCY_MS", 500, 1..=60_000)),
            per_hour: environment.number("SCALE_PER_HOUR", 20, 0..=1_000),
            ..Policy::between(1, 1)
        };
        environment.about("SCALE_LATENCY_MS", "the 95th percentile of request times that causes scaling up");
        environment.about("SCALE_PER_HOUR", "the largest number of changes of a process within an hour");
        Self { policies: policies(environment, &scale, &usual) }
    }
}

fn policies(environment: &mut Environment, text: &str, usual: &Policy) -> BTreeMap<String, Policy> {
    let mut policies = BTreeMap::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let Some((process, range)) = part.split_once('=') else {
            environment.fault("SCALE", format!("{part:?} has no range; write it as {part}=1-4"));
            continue;
        };
        match range.parse::<Policy>() {
            Ok(range) => {
                let policy = Policy { min: range.min, max: range.max, ..usual.clone() };
                policies.insert(process.trim().to_owned(), policy);
            }
            Err(error) => environment.fault("SCALE", format!("{process}: {error}")),
        }
    }
    policies
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (ScaleSettings, Vec<String>) {
        let mut environment: Environment = pairs.iter().copied().collect();
        let settings = ScaleSettings::read(&mut environment);
        (settings, environment.faults().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn nothing_is_scaled_unless_it_is_named() {
        let (settings, faults) = read(&[]);
        assert!(settings.policies.is_empty() && faults.is_empty(), "{faults:?}");
        let (settings, _) = read(&[("SCALE", "worker=1-4, web=2-3"), ("SCALE_CALM_SECONDS", "7")]);
        assert_eq!((settings.policies["worker"].max, settings.policies["web"].min), (4, 2));
        assert_eq!(settings.policies["web"].calm, Duration::from_secs(7));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let (_, faults) = read(&[("SCALE", "worker=4-1, web")]);
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults.iter().any(|fault| fault.contains("web=1-4")), "{faults:?}");
    }
}
