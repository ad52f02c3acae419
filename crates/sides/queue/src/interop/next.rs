//! When one of fang's periodic jobs is due again.

use std::str::FromStr as _;

use chrono::{DateTime, Utc};
use cron::Schedule;
use fang::{AsyncQueueError, AsyncRunnable, CronError, Scheduled};

/// The schedule of a job that is periodic.
pub(crate) fn pattern(job: &dyn AsyncRunnable) -> Result<Option<Schedule>, AsyncQueueError> {
    match job.cron() {
        Some(Scheduled::CronPattern(pattern)) => Ok(Some(Schedule::from_str(&pattern)?)),
        Some(Scheduled::ScheduleOnce(_)) | None => Ok(None),
    }
}

/// When a job that is to be scheduled is due for the first time.
pub(crate) fn first(job: &dyn AsyncRunnable) -> Result<DateTime<Utc>, AsyncQueueError> {
    match job.cron() {
        Some(Scheduled::ScheduleOnce(at)) => Ok(at),
        Some(Scheduled::CronPattern(pattern)) => Ok(upcoming(&Schedule::from_str(&pattern)?)?),
        None => Err(CronError::TaskNotSchedulableError.into()),
    }
}

/// The next moment of a schedule, in UTC as fang has it.
pub(crate) fn upcoming(schedule: &Schedule) -> Result<DateTime<Utc>, CronError> {
    schedule.upcoming(Utc).next().ok_or(CronError::NoTimestampsError)
}
