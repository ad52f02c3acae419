//! Adding, changing, pausing and deleting services.
//!
//! Each function does its work in the caller's transaction, if there is one: whoever adds a service enqueues
//! its first ping beside it.

use chrono::{DateTime, Utc};
use diesel::{dsl::now, prelude::*, sql_types};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    NewService, Service,
    schema::{service_states, services},
};

/// What happened to a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Updated {
    /// It was made.
    Done(Box<Service>),
    /// Somebody else changed the service in between; nothing was written.
    Conflict,
    /// There is no such service.
    Missing,
}

/// What happened to a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone, with its history.
    Done,
    /// It is one of the application's own processes and stays.
    OwnProcess,
    /// There is no such service.
    Missing,
}

/// Adds a service that has not been pinged yet.
///
/// # Errors
/// When the database refuses or is away.
pub async fn create(c: &mut AsyncPgConnection, new: &NewService) -> QueryResult<Service> {
    let service: Service = diesel::insert_into(services::table)
        .values(new)
        .returning(Service::as_returning())
        .get_result(c)
        .await?;
    diesel::insert_into(service_states::table)
        .values(service_states::service_id.eq(service.id))
        .execute(c)
        .await?;
    Ok(service)
}

/// One service.
///
/// # Errors
/// When the database is unavailable.
pub async fn find(c: &mut AsyncPgConnection, id: i64) -> QueryResult<Option<Service>> {
    services::table.find(id).select(Service::as_select()).first(c).await.optional()
}

/// Replaces what a person says about a service. With `seen`, only if its `updated_at` is still that.
///
/// # Errors
/// When the database refuses or is away.
pub async fn update(
    c: &mut AsyncPgConnection,
    id: i64,
    seen: Option<DateTime<Utc>>,
    change: &NewService,
) -> QueryResult<Updated> {
    let update = diesel::update(services::table.find(id)).set((change, services::updated_at.eq(now)));
    let service = Service::as_returning();
    let updated = match seen {
        Some(seen) => update.filter(services::updated_at.eq(seen)).returning(service).get_result(c).await,
        None => update.returning(service).get_result(c).await,
    };
    Ok(match updated.optional()? {
        Some(service) => Updated::Done(Box::new(service)),
        None if find(c, id).await?.is_some() => Updated::Conflict,
        None => Updated::Missing,
    })
}

/// Stops the pings of a service, or starts them again. `None` when there is no such service.
///
/// # Errors
/// When the database is unavailable.
pub async fn set_paused(c: &mut AsyncPgConnection, id: i64, paused: bool) -> QueryResult<Option<Service>> {
    let since = "UPDATE services \
         SET paused_at = CASE WHEN $2 THEN coalesce(paused_at, now()) END, updated_at = now() WHERE id = $1";
    let changed = diesel::sql_query(since)
        .bind::<sql_types::BigInt, _>(id)
        .bind::<sql_types::Bool, _>(paused)
        .execute(c)
        .await?;
    if changed == 0 { Ok(None) } else { find(c, id).await }
}

/// Deletes a service with its history.
///
/// # Errors
/// When the database is unavailable.
pub async fn delete(c: &mut AsyncPgConnection, id: i64) -> QueryResult<Deleted> {
    let watched = services::table.find(id).filter(services::process.is_null());
    Ok(match diesel::delete(watched).execute(c).await? {
        0 if find(c, id).await?.is_some() => Deleted::OwnProcess,
        0 => Deleted::Missing,
        _ => Deleted::Done,
    })
}

/// Claims a ping that is due now, and puts the next one an interval away: the caller enqueues it in the same
/// transaction. `None` when the service is paused or gone.
///
/// # Errors
/// When the database is unavailable.
pub async fn claim_ping(c: &mut AsyncPgConnection, id: i64) -> QueryResult<Option<DateTime<Utc>>> {
    #[derive(QueryableByName)]
    struct Claimed {
        #[diesel(sql_type = sql_types::Timestamptz)]
        due_at: DateTime<Utc>,
    }
    let claim = "UPDATE service_states \
         SET next_ping_at = now() + make_interval(secs => services.interval_seconds) \
         FROM services WHERE services.id = service_id AND service_id = $1 AND paused_at IS NULL \
         RETURNING now() AS due_at";
    let claimed: Option<Claimed> =
        diesel::sql_query(claim).bind::<sql_types::BigInt, _>(id).get_result(c).await.optional()?;
    Ok(claimed.map(|claimed| claimed.due_at))
}
