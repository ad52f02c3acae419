//! The hourly figures of a service.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{PingHour, schema::ping_hours};

/// The hours from `since` on, oldest first. An hour without pings has no row.
///
/// # Errors
/// When the database is unavailable.
pub async fn hours(
    c: &mut AsyncPgConnection,
    service_id: i64,
    since: DateTime<Utc>,
) -> QueryResult<Vec<PingHour>> {
    ping_hours::table
        .filter(ping_hours::service_id.eq(service_id))
        .filter(ping_hours::hour.ge(since))
        .filter(ping_hours::hour.lt(Utc::now() + TimeDelta::hours(1)))
        .order(ping_hours::hour)
        .select(PingHour::as_select())
        .load(c)
        .await
}
