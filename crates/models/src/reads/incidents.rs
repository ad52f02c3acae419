//! Incidents with the name of their service.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    Incident,
    schema::{incidents, services},
};

/// Which incidents are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of one service.
    pub service_id: Option<i64>,
    /// Those that are over, or those that are not.
    pub open: Option<bool>,
    /// Those that are open or were opened since.
    pub since: Option<DateTime<Utc>>,
    /// Those with a smaller id: the next page.
    pub before: Option<i64>,
}

/// Up to `limit` open incidents, newest first, and how many there are in all.
///
/// # Errors
/// When the database is unavailable.
pub async fn open(
    c: &mut AsyncPgConnection,
    service_id: Option<i64>,
    limit: i64,
) -> QueryResult<(Vec<(Incident, String)>, i64)> {
    let filter = Filter { service_id, open: Some(true), ..Filter::default() };
    let newest = newest(c, filter, limit).await?;
    let count = match i64::try_from(newest.len()) {
        Ok(found) if found < limit => found,
        _ => incidents::table.filter(incidents::closed_at.is_null()).count().get_result(c).await?,
    };
    Ok((newest, count))
}

/// Up to `limit` incidents, newest first.
///
/// # Errors
/// When the database is unavailable.
pub async fn newest(
    c: &mut AsyncPgConnection,
    filter: Filter,
    limit: i64,
) -> QueryResult<Vec<(Incident, String)>> {
    let mut query = incidents::table
        .inner_join(services::table)
        .order(incidents::id.desc())
        .limit(limit)
        .select((Incident::as_select(), services::name))
        .into_boxed();
    if let Some(service_id) = filter.service_id {
        query = query.filter(incidents::service_id.eq(service_id));
    }
    match filter.open {
        Some(true) => query = query.filter(incidents::closed_at.is_null()),
        Some(false) => query = query.filter(incidents::closed_at.is_not_null()),
        None => {}
    }
    if let Some(since) = filter.since {
        query = query.filter(incidents::closed_at.is_null().or(incidents::opened_at.ge(since)));
    }
    if let Some(before) = filter.before {
        query = query.filter(incidents::id.lt(before));
    }
    query.load(c).await
}
