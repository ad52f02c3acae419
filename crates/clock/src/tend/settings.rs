//! How the clock tends the processes.

use std::{collections::BTreeMap, time::Duration};

use autoscale::Policy;
use process::Environment;
use schedule::Schedule;

/// The tick that recycles the workers. No schedule that people add has a blank in its name.
const RECYCLING: &str = "recycle worker";
/// Spread over this, so that not every installation's database has the new connections at once.
const SPREAD: &str = "jitter 10 min";

/// Read from the environment.
#[derive(Debug, Clone)]
pub struct TendSettings {
    /// `TEND_SECONDS`: the time between two rounds.
    pub every: Duration,
    /// `RECYCLE`: when workers are started afresh; none for never.
    pub recycle: Option<Schedule>,
    /// `RECYCLE_MEMORY_MB`: the memory towards which a copy must not grow, in bytes; 0 for no limit.
    pub memory: u64,
    /// `RECYCLE_JOBS`: after so many jobs a worker is worn out; 0 for never.
    pub jobs: u64,
    /// `SCALE`: which processes are scaled, and between which numbers.
    pub scale: BTreeMap<String, Policy>,
}

impl TendSettings {
    /// Reads the variables. Faults stay in the environment.
    pub fn read(environment: &mut Environment) -> Self {
        let every = environment.seconds("TEND_SECONDS", 5, 1..=60);
        environment.about("TEND_SECONDS", "how often memory, queue and copies are looked at");
        let text = environment.text("RECYCLE", "0 */6 * * *");
        environment
            .about("RECYCLE", "when workers are started afresh, one after the other, in UTC; off: never");
        let recycle = recycling(environment, &text);
        let megabytes = environment.number("RECYCLE_MEMORY_MB", 1024_u64, 0..=1_048_576);
        environment
            .about("RECYCLE_MEMORY_MB", "a worker that grows towards this is recycled early; 0: never");
        let jobs = environment.number("RECYCLE_JOBS", 0_u64, 0..=u64::MAX);
        environment.about("RECYCLE_JOBS", "a worker is recycled after so many jobs; 0: never");
        let scale = environment.text("SCALE", "");
        environment.about("SCALE", "which processes have between how many copies: worker=1-4, web=1-2");
        let seconds = |environment: &mut Environment, name, default, about: &str| {
            let read = environment.seconds(name, default, 0..=86_400);
            environment.about(name, about);
            read
        };
        let usual = Policy {
            delay: seconds(environment, "SCALE_DELAY_SECONDS", 10, "a job that waits longer asks for copies"),
            up_pause: seconds(
                environment,
                "SCALE_UP_SECONDS",
                20,
                "how long a change is given before there are more",
            ),
            calm: seconds(
                environment,
                "SCALE_CALM_SECONDS",
                120,
                "so long must it be calm before there are fewer",
            ),
            down_pause: seconds(
                environment,
                "SCALE_DOWN_SECONDS",
                60,
                "the time from a change to fewer copies",
            ),
            hold: seconds(
                environment,
                "SCALE_HOLD_SECONDS",
                900,
                "how long the number holds that a person set",
            ),
            latency: Duration::from_millis(environment.number("SCALE_LATENCY_MS", 500, 1..=60_000)),
            per_hour: environment.number("SCALE_PER_HOUR", 20, 0..=1_000),
            ..Policy::between(1, 1)
        };
        environment.about("SCALE_LATENCY_MS", "19 of 20 requests may take so long; slower asks for copies");
        environment.about("SCALE_PER_HOUR", "the most changes of a process within an hour");
        let scale = ranges(environment, &scale, &usual);
        Self { every, recycle, memory: megabytes << 20, jobs, scale }
    }
}

fn recycling(environment: &mut Environment, text: &str) -> Option<Schedule> {
    if text.trim().eq_ignore_ascii_case("off") {
        return None;
    }
    let spread = if text.contains("jitter") { text.to_owned() } else { format!("{text} {SPREAD}") };
    match Schedule::new(RECYCLING, &spread, RECYCLING) {
        Ok(schedule) => Some(schedule),
        Err(error) => {
            let why =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            environment.fault("RECYCLE", format!("{why}; write it as 0 */6 * * *, or off"));
            None
        }
    }
}

fn ranges(environment: &mut Environment, text: &str, usual: &Policy) -> BTreeMap<String, Policy> {
    let mut ranges = BTreeMap::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let Some((process, range)) = part.split_once('=') else {
            environment.fault("SCALE", format!("{part:?} names no range; write it as worker=1-4"));
            continue;
        };
        match range.parse::<Policy>() {
            Ok(range) => {
                let policy = Policy { min: range.min, max: range.max, ..usual.clone() };
                ranges.insert(process.trim().to_owned(), policy);
            }
            Err(error) => environment.fault("SCALE", format!("{process}: {error}")),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (TendSettings, Vec<String>) {
        let mut environment: Environment = pairs.iter().copied().collect();
        let settings = TendSettings::read(&mut environment);
        (settings, environment.faults().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn by_default_workers_are_recycled_every_six_hours_and_nothing_is_scaled() {
        let (settings, faults) = read(&[]);
        assert_eq!((faults, settings.scale.len()), (vec![], 0));
        let midnight = chrono::DateTime::UNIX_EPOCH;
        let due: Vec<_> = settings.recycle.unwrap().upcoming(midnight).take(8).collect();
        let hours: Vec<_> = due.windows(2).map(|pair| (pair[1] - pair[0]).num_minutes()).collect();
        assert!(hours.iter().all(|minutes| (350..=370).contains(minutes)), "{due:?}");
        assert!(due.iter().any(|moment| moment.timestamp() % 3_600 != 0), "spread: {due:?}");
        assert!(read(&[("RECYCLE", "off")]).0.recycle.is_none());
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let (_, faults) = read(&[("RECYCLE", "61 * * * *"), ("SCALE", "worker=4-1, web")]);
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(faults[0].contains("RECYCLE") && faults[0].contains("or off"), "{faults:?}");
        let (settings, _) = read(&[("SCALE", "worker=1-4, web=2-3"), ("SCALE_CALM_SECONDS", "7")]);
        assert_eq!((settings.scale["worker"].max, settings.scale["web"].min), (4, 2));
        assert_eq!(settings.scale["web"].calm, Duration::from_secs(7));
    }
}
