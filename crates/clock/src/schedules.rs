//! All schedules of the application, in one place.

use schedule::{Schedule, ScheduleError};

/// The schedules of the application. The jobs behind the kinds live in the worker.
///
/// # Errors
/// When one of them is wrong.
pub(crate) fn all() -> Result<Vec<Schedule>, ScheduleError> {
    let schedules = vec![
        // The next second does the same work: a missed one is not missed by anybody.
        Schedule::new("ping_due_services", "every 1 s", "ping_due_services")?,
        Schedule::new("roll_up_pings", "*/5 * * * *", "roll_up_pings")?,
        Schedule::new("prune_history", "17 3 * * *", "prune_history")?,
    ];
    schedule::validate(&schedules)?;
    Ok(schedules)
}
