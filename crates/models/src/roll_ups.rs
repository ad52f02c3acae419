//! Raw pings into hourly figures, as often as one likes.
//!
//! Hours become days once they are over, oldest day first: whoever reads takes the sums up to the newest day there
//! is, and sums the hours behind it.
//!
//! An hour is rewritten from its raw pings until a later one is written. A ping that comes after that
//! writes its hour again itself: see [`crate::pings::record`]. Latencies are those of good pings.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::{prelude::*, sql_types};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl};

use crate::{pruning::HOUR_MONTHS, schema::ping_hours};

/// Taken by anyone who writes an hour, so that a late ping and the roll-up of its hour see each other: the bytes
/// of "rollups".
const LOCK: i64 = i64::from_be_bytes(*b"\0rollups");

const WRITE: &str = "\
INSERT INTO ping_hours
    (service_id, hour, pings, failures, latency_ms_avg, latency_ms_p95, latency_ms_max)
SELECT service_id, $1, count(*), count(*) FILTER (WHERE NOT ok),
    coalesce(round(avg(latency_ms) FILTER (WHERE ok)), 0),
    coalesce(percentile_disc(0.95) WITHIN GROUP (ORDER BY latency_ms) FILTER (WHERE ok), 0),
    coalesce(max(latency_ms) FILTER (WHERE ok), 0)
FROM pings
WHERE due_at >= $1 AND due_at < $1 + interval '1 hour' AND ($2 IS NULL OR service_id = $2)
GROUP BY service_id
ON CONFLICT (service_id, hour) DO UPDATE
SET pings = excluded.pings, failures = excluded.failures, latency_ms_avg = excluded.latency_ms_avg,
    latency_ms_p95 = excluded.latency_ms_p95, latency_ms_max = excluded.latency_ms_max";

/// The first hour that must still be written: the last one that was, or that of the oldest ping. `None`
/// without any ping.
///
/// # Errors
/// When the database is unavailable.
pub async fn first_open_hour(c: &mut AsyncPgConnection) -> QueryResult<Option<DateTime<Utc>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
        hour: Option<DateTime<Utc>>,
    }
    // The oldest ping is asked of each service's index: the table has no order of its own.
    // What no clock can have meant says nothing of the others.
    let query = "SELECT coalesce((SELECT max(hour) FROM ping_hours WHERE hour < now() + interval '1 hour' \
                 AND hour > now() - make_interval(months => $1)), date_trunc('hour', ( \
             SELECT min(oldest.due_at) FROM services CROSS JOIN LATERAL ( \
                 SELECT due_at FROM pings WHERE service_id = services.id \
                     AND due_at > now() - make_interval(months => $1) ORDER BY due_at LIMIT 1 \
             ) AS oldest), 'UTC')) AS hour";
    let row: Row = diesel::sql_query(query).bind::<sql_types::Integer, _>(HOUR_MONTHS).get_result(c).await?;
    Ok(row.hour)
}

/// Writes one hour of every service. Returns how many services had pings in it.
///
/// # Errors
/// When the database is unavailable.
pub async fn write_hour(c: &mut AsyncPgConnection, hour: DateTime<Utc>) -> QueryResult<usize> {
    c.transaction(async |c| {
        lock(c).await?;
        write(c, hour, None).await
    })
    .await
}

/// For how many days behind the newest one sums are written again: raw pings, and with them late ones, are kept for
/// a week.
const LATE_DAYS: i32 = 8;

const WRITE_DAY: &str = "\
INSERT INTO ping_days (service_id, day, pings, failures)
SELECT service_id, $1, least(greatest(sum(pings), 0), 2147483647), least(greatest(sum(failures), 0), 2147483647)
FROM ping_hours
WHERE hour >= $1::timestamp AT TIME ZONE 'UTC' AND hour < ($1 + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY service_id
ON CONFLICT (service_id, day) DO UPDATE SET pings = excluded.pings, failures = excluded.failures
WHERE (ping_days.pings, ping_days.failures) IS DISTINCT FROM (excluded.pings, excluded.failures)";

/// The days that are over and must be written, or written again, the oldest first.
///
/// # Errors
/// When the database is unavailable.
pub async fn open_days(c: &mut AsyncPgConnection) -> QueryResult<Vec<NaiveDate>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Date)]
        day: NaiveDate,
    }
    let query = "SELECT day::date AS day FROM generate_series( \
             coalesce((SELECT max(day) FROM ping_days WHERE day <= (now() AT TIME ZONE 'UTC')::date \
                     AND day > now() - make_interval(months => $2)) - $1, \
                 (SELECT (min(hour) AT TIME ZONE 'UTC')::date FROM ping_hours \
                     WHERE hour > now() - make_interval(months => $2)))::timestamp, \
             ((now() AT TIME ZONE 'UTC')::date - 1)::timestamp, interval '1 day') AS day ORDER BY 1";
    let rows: Vec<Row> = diesel::sql_query(query)
        .bind::<sql_types::Integer, _>(LATE_DAYS)
        .bind::<sql_types::Integer, _>(HOUR_MONTHS)
        .load(c)
        .await?;
    Ok(rows.into_iter().map(|row| row.day).collect())
}

/// Writes one day of every service. Returns how many sums changed.
///
/// # Errors
/// When the database is unavailable.
pub async fn write_day(c: &mut AsyncPgConnection, day: NaiveDate) -> QueryResult<usize> {
    c.transaction(async |c| {
        lock(c).await?;
        diesel::sql_query(WRITE_DAY).bind::<sql_types::Date, _>(day).execute(c).await
    })
    .await
}

/// Writes an hour of one service again, unless the next roll-up does so anyway. In the caller's transaction.
pub(crate) async fn include_late(
    c: &mut AsyncPgConnection,
    service_id: i64,
    hour: DateTime<Utc>,
) -> QueryResult<()> {
    lock(c).await?;
    let newest: Option<DateTime<Utc>> = ping_hours::table
        .filter(ping_hours::hour.lt(Utc::now() + TimeDelta::hours(1)))
        .filter(ping_hours::hour.gt(DateTime::UNIX_EPOCH))
        .select(diesel::dsl::max(ping_hours::hour))
        .first(c)
        .await?;
    if newest.is_some_and(|newest| newest > hour) {
        write(c, hour, Some(service_id)).await?;
    }
    Ok(())
}

async fn write(
    c: &mut AsyncPgConnection,
    hour: DateTime<Utc>,
    service_id: Option<i64>,
) -> QueryResult<usize> {
    diesel::sql_query(WRITE)
        .bind::<sql_types::Timestamptz, _>(hour)
        .bind::<sql_types::Nullable<sql_types::BigInt>, _>(service_id)
        .execute(c)
        .await
}

async fn lock(c: &mut AsyncPgConnection) -> QueryResult<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
        .bind::<sql_types::BigInt, _>(LOCK)
        .execute(c)
        .await
        .map(drop)
}
