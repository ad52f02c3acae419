//! Writes the schedules to the database, for people and for schedulers that start later.

use ::schema::tables::{schedules, stored_schedules};
use chrono::{DateTime, Utc};
use database::Connection;
use diesel::{ExpressionMethods as _, QueryDsl as _, dsl::now, upsert::excluded};
use diesel_async::RunQueryDsl as _;
use schedule::Schedule;

/// Says when each schedule is due next.
pub(crate) async fn announce(
    connection: &mut Connection,
    upcoming: impl Iterator<Item = (&Schedule, DateTime<Utc>)>,
) -> diesel::QueryResult<()> {
    let mut upcoming: Vec<_> = upcoming.collect();
    // In one order, or two schedulers wait for each other.
    upcoming.sort_by_key(|(schedule, _)| &schedule.name);
    let rows: Vec<_> = upcoming
        .into_iter()
        .map(|(schedule, next)| {
            (
                schedules::name.eq(&schedule.name),
                schedules::expression.eq(schedule.expression.to_string()),
                schedules::zone.eq(schedule.zone.name()),
                schedules::kind.eq(&schedule.kind),
                schedules::missed.eq(schedule.missed.to_string()),
                schedules::overlap.eq(schedule.overlap.to_string()),
                schedules::next_due_at.eq(next),
            )
        })
        .collect();
    // One statement takes 65,535 values, and the next tick waits for it.
    for some in rows.chunks(1_000) {
        diesel::insert_into(schedules::table)
            .values(some)
            .on_conflict(schedules::name)
            .do_update()
            .set((
                schedules::expression.eq(excluded(schedules::expression)),
                schedules::zone.eq(excluded(schedules::zone)),
                schedules::kind.eq(excluded(schedules::kind)),
                schedules::missed.eq(excluded(schedules::missed)),
                schedules::overlap.eq(excluded(schedules::overlap)),
                schedules::next_due_at.eq(excluded(schedules::next_due_at)),
                schedules::updated_at.eq(now),
            ))
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Takes back what was said of stored schedules that are no more. Each scheduler does so after it has heard of it,
/// so the last one is right.
pub(crate) async fn withdraw(connection: &mut Connection, names: &[String]) -> diesel::QueryResult<()> {
    if names.is_empty() {
        return Ok(());
    }
    let stored = stored_schedules::table.select(stored_schedules::name);
    diesel::delete(schedules::table)
        .filter(schedules::name.eq_any(names))
        .filter(schedules::name.ne_all(stored))
        .execute(connection)
        .await?;
    Ok(())
}
