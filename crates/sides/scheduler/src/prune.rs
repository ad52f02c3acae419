//! Old ticks go, and schedules and wishes that no scheduler has any more.

use database::Connection;
use diesel_async::RunQueryDsl as _;

/// How many ticks one statement deletes: the next tick waits for it.
const BATCH: usize = 2_000;

/// Ticks are kept longer than a window for missed ones may be wide, and the last regular one of each schedule
/// for ever: it says how far the schedule has come.
const TICKS: &str = "\
DELETE FROM sides.ticks WHERE (schedule, due_at) IN (
    SELECT schedule, due_at FROM sides.ticks AS old
    WHERE due_at < now() - interval '3 days' AND EXISTS (
        SELECT FROM sides.ticks AS later
        WHERE later.schedule = old.schedule AND later.due_at > old.due_at AND later.asked_by IS NULL
    )
    LIMIT 2000 FOR UPDATE SKIP LOCKED
)";

/// A running scheduler announces all its schedules every hour; those that are paused have no next moment to tell.
const SCHEDULES: &str = "\
DELETE FROM sides.schedules WHERE updated_at < now() - interval '1 day'
AND NOT EXISTS (SELECT FROM sides.schedule_pauses WHERE schedule = name AND resumed_at IS NULL)
AND NOT EXISTS (SELECT FROM sides.stored_schedules AS stored WHERE stored.name = schedules.name)";

const RUNS: &str = "DELETE FROM sides.schedule_runs WHERE asked_at < now() - interval '1 day'";

/// Deletes a part of what is old; whether there may be more.
pub(crate) async fn prune(connection: &mut Connection) -> diesel::QueryResult<bool> {
    let ticks = diesel::sql_query(TICKS).execute(connection).await?;
    diesel::sql_query(SCHEDULES).execute(connection).await?;
    diesel::sql_query(RUNS).execute(connection).await?;
    Ok(ticks >= BATCH)
}
