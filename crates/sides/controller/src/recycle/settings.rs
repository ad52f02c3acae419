//! When workers are recycled.

use process::Environment;
use schedule::{Schedule, ScheduleError};

/// Spread over this, so that not every installation's database has the new connections at once.
const SPREAD: &str = "jitter 10 min";

/// Read from the environment.
#[derive(Debug, Clone)]
pub struct RecycleSettings {
    /// `RECYCLE`: when workers are restarted, as an expression; none for never.
    pub expression: Option<String>,
    /// `RECYCLE_MEMORY_MB`: the memory towards which an instance must not grow, in bytes; 0 for no limit.
    pub memory: u64,
    /// `RECYCLE_JOBS`: after so many jobs a worker is worn out; 0 for never.
    pub jobs: u64,
}

impl RecycleSettings {
    /// Reads the variables. Faults stay in the environment.
    pub fn read(environment: &mut Environment) -> Self {
        let text = environment.text("RECYCLE", "0 */6 * * *");
        environment.about("RECYCLE", "when workers are recycled, one after the other, in UTC; off: never");
        let expression = expression(environment, &text);
        let megabytes = environment.number("RECYCLE_MEMORY_MB", 1024_u64, 0..=1_048_576);
        environment.about(
            "RECYCLE_MEMORY_MB",
            "a worker whose memory grows towards this is recycled early; 0: never",
        );
        let jobs = environment.number("RECYCLE_JOBS", 0_u64, 0..=u64::MAX);
        environment.about("RECYCLE_JOBS", "a worker is recycled after this number of jobs; 0: never");
        Self { expression, memory: megabytes << 20, jobs }
    }
}

/// The schedule by which a process is recycled. No schedule that people add has a blank in its name.
///
/// # Errors
/// When the expression is invalid.
pub(crate) fn schedule(process: &str, expression: &str) -> Result<Schedule, ScheduleError> {
    let name = format!("recycle {process}");
    Schedule::new(&name, expression, &name)
}

fn expression(environment: &mut Environment, text: &str) -> Option<String> {
    if text.trim().eq_ignore_ascii_case("off") {
        return None;
    }
    let spread = if text.contains("jitter") { text.to_owned() } else { format!("{text} {SPREAD}") };
    match schedule("any", &spread) {
        Ok(_) => Some(spread),
        Err(error) => {
            let why =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            environment.fault("RECYCLE", format!("{why}; write it as 0 */6 * * *, or off"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (RecycleSettings, Vec<String>) {
        let mut environment: Environment = pairs.iter().copied().collect();
        let settings = RecycleSettings::read(&mut environment);
        (settings, environment.faults().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn by_default_workers_are_recycled_every_six_hours() {
        let (settings, faults) = read(&[]);
        assert_eq!(faults, Vec::<String>::new());
        let midnight = chrono::DateTime::UNIX_EPOCH;
        let schedule = schedule("worker", &settings.expression.unwrap()).unwrap();
        let due: Vec<_> = schedule.upcoming(midnight).take(8).collect();
        let hours: Vec<_> = due.windows(2).map(|pair| (pair[1] - pair[0]).num_minutes()).collect();
        assert!(hours.iter().all(|minutes| (350..=370).contains(minutes)), "{due:?}");
        assert!(due.iter().any(|moment| moment.timestamp() % 3_600 != 0), "spread: {due:?}");
        assert!(read(&[("RECYCLE", "off")]).0.expression.is_none());
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let (_, faults) = read(&[("RECYCLE", "61 * * * *")]);
        assert!(faults[0].contains("RECYCLE") && faults[0].contains("or off"), "{faults:?}");
    }
}
