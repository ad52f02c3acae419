//! The schedules as people see them, and as a clock finds them that starts later.

use chrono::{DateTime, Utc};
use database::Connection;
use diesel::{ExpressionMethods as _, dsl::now, upsert::excluded};
use diesel_async::RunQueryDsl as _;
use schedule::Schedule;

use crate::schema::schedules;

/// Says when each schedule is due next.
pub(crate) async fn announce(
    connection: &mut Connection,
    upcoming: impl Iterator<Item = (&Schedule, DateTime<Utc>)>,
) -> diesel::QueryResult<()> {
    let mut upcoming: Vec<_> = upcoming.collect();
    // In one order, or two clocks wait for each other.
    upcoming.sort_by_key(|(schedule, _)| &schedule.name);
    let rows: Vec<_> = upcoming
        .into_iter()
        .map(|(schedule, next)| {
            (
                schedules::name.eq(&schedule.name),
                schedules::expression.eq(schedule.expression.to_string()),
                schedules::zone.eq(schedule.zone.name()),
                schedules::kind.eq(&schedule.kind),
                schedules::next_due_at.eq(next),
            )
        })
        .collect();
    // One statement takes 65,535 values.
    for some in rows.chunks(10_000) {
        diesel::insert_into(schedules::table)
            .values(some)
            .on_conflict(schedules::name)
            .do_update()
            .set((
                schedules::expression.eq(excluded(schedules::expression)),
                schedules::zone.eq(excluded(schedules::zone)),
                schedules::kind.eq(excluded(schedules::kind)),
                schedules::next_due_at.eq(excluded(schedules::next_due_at)),
                schedules::updated_at.eq(now),
            ))
            .execute(connection)
            .await?;
    }
    Ok(())
}
