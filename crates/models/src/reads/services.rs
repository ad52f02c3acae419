//! Services with the results of their latest pings.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    Service, ServiceState,
    schema::{service_states, services},
};

/// Every service by name, the application's own processes last.
///
/// # Errors
/// When the database is unavailable.
pub async fn all(c: &mut AsyncPgConnection) -> QueryResult<Vec<(Service, ServiceState)>> {
    let mut all: Vec<(Service, ServiceState)> = services::table
        .inner_join(service_states::table)
        .select((Service::as_select(), ServiceState::as_select()))
        .load(c)
        .await?;
    all.sort_by_cached_key(|(service, _)| {
        (service.process.is_some(), service.name.to_lowercase(), service.id)
    });
    Ok(all)
}

/// Up to `limit` services with an id above `after`, by id.
///
/// # Errors
/// When the database is unavailable.
pub async fn after(
    c: &mut AsyncPgConnection,
    after: i64,
    limit: i64,
) -> QueryResult<Vec<(Service, ServiceState)>> {
    services::table
        .inner_join(service_states::table)
        .filter(services::id.gt(after))
        .order(services::id)
        .limit(limit)
        .select((Service::as_select(), ServiceState::as_select()))
        .load(c)
        .await
}

/// One service.
///
/// # Errors
/// When the database is unavailable.
pub async fn find(c: &mut AsyncPgConnection, id: i64) -> QueryResult<Option<(Service, ServiceState)>> {
    services::table
        .inner_join(service_states::table)
        .filter(services::id.eq(id))
        .select((Service::as_select(), ServiceState::as_select()))
        .first(c)
        .await
        .optional()
}
