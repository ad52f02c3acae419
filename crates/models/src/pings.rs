//! Pings: which are due, and what happened to them.
//!
//! All in the caller's transaction, which also enqueues what follows.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use diesel::{dsl::exists, prelude::*, sql_types};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    Ping, Service, ServiceState, Transition, incidents, roll_ups,
    schema::{pings, service_states, services},
    transition::step,
};

/// A ping that must be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct DuePing {
    /// The service.
    #[diesel(sql_type = sql_types::BigInt)]
    pub service_id: i64,
    /// When it is due; with the service it names the ping.
    #[diesel(sql_type = sql_types::Timestamptz)]
    pub due_at: DateTime<Utc>,
}

/// Pings that were missed while nobody asked are not made up for: only the newest is due, and the rhythm of
/// the service stays; one that is due since before the year 2000, or for ever, begins anew. The second ping of a service
/// comes half to one and a half intervals after the first, so that services that were added together drift apart.
const CLAIM_DUE: &str = "\
WITH due AS (
    SELECT service_id, last_ping_at, make_interval(secs => interval_seconds) AS every,
        next.at + make_interval(secs => interval_seconds
            * floor(extract(epoch FROM now() - next.at) / interval_seconds)::float8) AS due_at
    FROM service_states JOIN services ON services.id = service_id,
        greatest(next_ping_at, '2000-01-01 00:00:00Z') AS next (at)
    WHERE next_ping_at <= now() AND paused_at IS NULL
    ORDER BY next_ping_at
    LIMIT $1
    FOR NO KEY UPDATE OF service_states SKIP LOCKED
)
UPDATE service_states
SET next_ping_at = CASE WHEN due.last_ping_at IS NULL THEN now() + (0.5 + random()) * due.every
    ELSE due.due_at + due.every END
FROM due WHERE service_states.service_id = due.service_id
RETURNING due.service_id, due.due_at";

/// Claims up to `limit` pings that are due, and puts the next one of each service an interval away. Whoever
/// asks at the same time gets others.
///
/// # Errors
/// When the database is unavailable.
pub async fn claim_due(c: &mut AsyncPgConnection, limit: u16) -> QueryResult<Vec<DuePing>> {
    diesel::sql_query(CLAIM_DUE).bind::<sql_types::BigInt, _>(i64::from(limit)).load(c).await
}

/// What happened to a ping that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is stored, and counts.
    Stored(Option<IncidentTransition>),
    /// It is stored, but a later one was there before: what the service is stays as that one said.
    Late,
    /// It was stored before.
    Again,
    /// The service was changed, paused or deleted after the ping began: nothing is stored.
    Outdated,
}

/// An incident that a ping opened or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentTransition {
    /// The incident.
    pub incident_id: i64,
    /// What happened to it.
    pub transition: Transition,
}

/// Stores a ping of the service as it was `seen`, and opens or closes the incident that follows from it.
///
/// Must run in a transaction: the lock on the service's state makes concurrent pings take turns.
///
/// # Errors
/// When the database is unavailable.
pub async fn record(c: &mut AsyncPgConnection, seen: &Service, ping: &Ping) -> QueryResult<Recorded> {
    // The service first, as its deletion does: otherwise the two could wait for each other.
    let unchanged: Option<i64> = services::table
        .find(seen.id)
        .filter(services::updated_at.eq(seen.updated_at))
        .select(services::id)
        .for_key_share()
        .first(c)
        .await
        .optional()?;
    if unchanged.is_none() {
        return Ok(Recorded::Outdated);
    }
    let state: ServiceState = service_states::table
        .find(seen.id)
        .select(ServiceState::as_select())
        .for_no_key_update()
        .first(c)
        .await?;
    let stored = diesel::insert_into(pings::table).values(ping).on_conflict_do_nothing().execute(c).await?;
    if stored == 0 {
        return Ok(Recorded::Again);
    }
    if hour_of(ping.due_at) < hour_of(Utc::now()) {
        roll_ups::include_late(c, seen.id, hour_of(ping.due_at)).await?;
    }
    let later = pings::table
        .filter(pings::service_id.eq(seen.id))
        .filter(pings::due_at.gt(ping.due_at))
        // Nobody's clock is wrong by more.
        .filter(pings::due_at.lt(Utc::now() + TimeDelta::days(1)));
    if diesel::select(exists(later)).get_result(c).await? {
        return Ok(Recorded::Late);
    }
    let step = step(&state, ping.ok, seen.failures_before_incident);
    let since = if step.state == state.state { state.state_since } else { ping.pinged_at };
    diesel::update(service_states::table.find(seen.id))
        .set((
            service_states::state.eq(step.state),
            service_states::state_since.eq(since),
            service_states::consecutive_failures.eq(step.consecutive_failures),
            service_states::last_ping_at.eq(ping.pinged_at),
            service_states::last_latency_ms.eq(ping.latency_ms),
            service_states::last_error_kind.eq(&ping.error_kind),
        ))
        .execute(c)
        .await?;
    let incident = match step.transition {
        Some(Transition::Opened) => incidents::open(c, ping).await?,
        Some(Transition::Closed) => incidents::close(c, seen.id, ping.pinged_at).await?,
        None => None,
    };
    Ok(Recorded::Stored(
        incident
            .zip(step.transition)
            .map(|(incident_id, transition)| IncidentTransition { incident_id, transition }),
    ))
}

fn hour_of(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment.duration_trunc(TimeDelta::hours(1)).unwrap_or(moment)
}
