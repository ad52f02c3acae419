//! Hourly figures from raw pings up to the running hour, and daily ones from those up to yesterday.

use chrono::{TimeDelta, Utc};
use jobs::RollUpPings;
use models::roll_ups;
use queue::{Context, JobError};

use crate::State;

/// Goes on where the last roll-up ended, also one that failed half-way.
pub(crate) async fn run(_: RollUpPings, context: Context<State>) -> Result<(), JobError> {
    let mut connection = context.state.pool.get().await?;
    let Some(mut hour) = roll_ups::first_open_hour(&mut connection).await? else { return Ok(()) };
    while hour <= Utc::now() && !context.is_cancelled() {
        roll_ups::write_hour(&mut connection, hour).await?;
        hour += TimeDelta::hours(1);
    }
    for day in roll_ups::open_days(&mut connection).await? {
        if context.is_cancelled() {
            break;
        }
        roll_ups::write_day(&mut connection, day).await?;
    }
    Ok(())
}
