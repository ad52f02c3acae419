//! Deletes old history in bounded batches, each in its own transaction.

use diesel::{prelude::*, sql_types};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::schema::services;

/// How long raw pings are kept, in days.
pub const PING_DAYS: i32 = 7;
/// How long hourly figures are kept, in months.
pub const HOUR_MONTHS: i32 = 13;

/// The services whose raw pings are to be pruned, one after the other.
///
/// # Errors
/// When the database is unavailable.
pub async fn service_ids(c: &mut AsyncPgConnection) -> QueryResult<Vec<i64>> {
    services::table.order(services::id).select(services::id).load(c).await
}

/// Deletes up to `limit` old raw pings of a service. Pings that are in no roll-up yet stay, however old.
/// Returns how many went.
///
/// # Errors
/// When the database is unavailable.
pub async fn pings(c: &mut AsyncPgConnection, service_id: i64, limit: u16) -> QueryResult<usize> {
    let delete = "DELETE FROM pings WHERE service_id = $1 AND due_at IN ( \
             SELECT due_at FROM pings WHERE service_id = $1 \
                 AND due_at < now() - make_interval(days => $2) \
                 AND due_at < (SELECT max(hour) FROM ping_hours WHERE hour < now() + interval '1 hour') \
             ORDER BY due_at LIMIT $3)";
    diesel::sql_query(delete)
        .bind::<sql_types::BigInt, _>(service_id)
        .bind::<sql_types::Integer, _>(PING_DAYS)
        .bind::<sql_types::BigInt, _>(i64::from(limit))
        .execute(c)
        .await
}

/// Deletes up to `limit` old daily figures. Returns how many went.
///
/// # Errors
/// When the database is unavailable.
pub async fn days(c: &mut AsyncPgConnection, limit: u16) -> QueryResult<usize> {
    let delete = "DELETE FROM ping_days WHERE (service_id, day) IN ( \
             SELECT service_id, day FROM ping_days WHERE day < (now() - make_interval(months => $1))::date \
             ORDER BY day LIMIT $2)";
    diesel::sql_query(delete)
        .bind::<sql_types::Integer, _>(HOUR_MONTHS)
        .bind::<sql_types::BigInt, _>(i64::from(limit))
        .execute(c)
        .await
}

/// Deletes up to `limit` old hourly figures. Returns how many went.
///
/// # Errors
/// When the database is unavailable.
pub async fn hours(c: &mut AsyncPgConnection, limit: u16) -> QueryResult<usize> {
    let delete = "DELETE FROM ping_hours WHERE (service_id, hour) IN ( \
             SELECT service_id, hour FROM ping_hours WHERE hour < now() - make_interval(months => $1) \
             ORDER BY hour LIMIT $2)";
    diesel::sql_query(delete)
        .bind::<sql_types::Integer, _>(HOUR_MONTHS)
        .bind::<sql_types::BigInt, _>(i64::from(limit))
        .execute(c)
        .await
}
