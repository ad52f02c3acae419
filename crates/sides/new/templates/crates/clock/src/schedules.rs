//! All schedules, in one place.

use schedule::{Schedule, ScheduleError};
use serde_json::json;

/// The schedules of this application. The handlers of their jobs live in the worker.
pub(crate) fn all() -> Result<Vec<Schedule>, ScheduleError> {
    let schedules = vec![
        Schedule {
            arguments: json!({ "name": "the clock" }),
            ..Schedule::new("greet", "* * * * *", "greet")?
        },
        // `sides new schedule NAME` adds a line.
    ];
    schedule::validate(&schedules)?;
    Ok(schedules)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_schedule_is_sound() {
        assert!(!super::all().unwrap().is_empty());
    }
}
