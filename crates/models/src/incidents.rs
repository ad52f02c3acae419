//! Opening and closing incidents, each once.

use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_types};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{Ping, schema::incidents};

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = sql_types::BigInt)]
    id: i64,
}

/// Opens an incident with the words of the ping that was one too many. `None` when one is open already.
pub(crate) async fn open(c: &mut AsyncPgConnection, ping: &Ping) -> QueryResult<Option<i64>> {
    let open = "INSERT INTO incidents (service_id, opened_at, error_kind, error) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (service_id) WHERE closed_at IS NULL DO NOTHING RETURNING id";
    let opened: Option<Id> = diesel::sql_query(open)
        .bind::<sql_types::BigInt, _>(ping.service_id)
        .bind::<sql_types::Timestamptz, _>(ping.pinged_at)
        .bind::<sql_types::Text, _>(ping.error_kind.as_deref().unwrap_or_default())
        .bind::<sql_types::Text, _>(ping.error.as_deref().unwrap_or_default())
        .get_result(c)
        .await
        .optional()?;
    Ok(opened.map(|opened| opened.id))
}

/// Closes the open incident of a service. `None` when there is none.
pub(crate) async fn close(
    c: &mut AsyncPgConnection,
    service_id: i64,
    at: DateTime<Utc>,
) -> QueryResult<Option<i64>> {
    // Two workers' clocks may differ a little; an incident never ends before it began.
    let closed_at = diesel::dsl::case_when(incidents::opened_at.gt(at), incidents::opened_at).otherwise(at);
    diesel::update(incidents::table)
        .filter(incidents::service_id.eq(service_id))
        .filter(incidents::closed_at.is_null())
        .set(incidents::closed_at.eq(closed_at.nullable()))
        .returning(incidents::id)
        .get_result(c)
        .await
        .optional()
}
