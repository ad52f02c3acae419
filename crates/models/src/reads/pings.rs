//! The last raw pings of a service.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{Ping, schema::pings};

/// Up to `limit` pings that were due before `before`, newest first.
///
/// # Errors
/// When the database is unavailable.
pub async fn before(
    c: &mut AsyncPgConnection,
    service_id: i64,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Ping>> {
    pings::table
        .filter(pings::service_id.eq(service_id))
        .filter(pings::due_at.lt(before))
        .order(pings::due_at.desc())
        .limit(limit)
        .select(Ping::as_select())
        .load(c)
        .await
}
