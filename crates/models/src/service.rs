//! A monitored service.

use chrono::{DateTime, Utc};
use database::{Moment, OptionalMoment};
use diesel::prelude::*;

use crate::schema::{service_states, services};

/// A watched service. `process` is set for the application's own processes, `url` for all others.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = services, check_for_backend(diesel::pg::Pg))]
pub struct Service {
    /// Its key.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// `web`, `worker`, `clock` …: where it answers is asked of its instances at each ping.
    pub process: Option<String>,
    /// What is fetched.
    pub url: Option<String>,
    /// `GET`, `HEAD` or `POST`.
    pub method: String,
    /// Seconds from one ping to the next.
    pub interval_seconds: i32,
    /// Milliseconds until a ping counts as failed.
    pub timeout_ms: i32,
    /// The lowest status that counts as up.
    pub expected_status_min: i16,
    /// The highest status that counts as up.
    pub expected_status_max: i16,
    /// A text that must be in the answer.
    pub expected_text: Option<String>,
    /// Failed pings in a row before an incident opens.
    pub failures_before_incident: i16,
    /// Since when it is not pinged.
    #[diesel(deserialize_as = OptionalMoment)]
    pub paused_at: Option<DateTime<Utc>>,
    /// When it was added.
    #[diesel(deserialize_as = Moment)]
    pub created_at: DateTime<Utc>,
    /// When a person last changed it.
    #[diesel(deserialize_as = Moment)]
    pub updated_at: DateTime<Utc>,
}

/// What the last pings said of a service.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = service_states, primary_key(service_id), check_for_backend(diesel::pg::Pg))]
pub struct ServiceState {
    /// The service.
    pub service_id: i64,
    /// `unknown`, `up` or `down`.
    pub state: String,
    /// Since when it is in this state.
    #[diesel(deserialize_as = Moment)]
    pub state_since: DateTime<Utc>,
    /// Failed pings since the last good one.
    pub consecutive_failures: i32,
    /// When the next ping is due.
    #[diesel(deserialize_as = Moment)]
    pub next_ping_at: DateTime<Utc>,
    /// When it was last pinged.
    #[diesel(deserialize_as = OptionalMoment)]
    pub last_ping_at: Option<DateTime<Utc>>,
    /// How long the last ping took, in milliseconds.
    pub last_latency_ms: Option<i32>,
    /// Why the last ping failed, if it did.
    pub last_error_kind: Option<String>,
}

/// What a person says about a service, to add or to change it.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, AsChangeset)]
#[diesel(table_name = services, treat_none_as_null = true)]
pub struct NewService {
    /// What people call it.
    pub name: String,
    /// What is fetched; `None` only for one of the application's own processes.
    pub url: Option<String>,
    /// `GET`, `HEAD` or `POST`.
    pub method: String,
    /// Seconds from one ping to the next.
    pub interval_seconds: i32,
    /// Milliseconds until a ping counts as failed.
    pub timeout_ms: i32,
    /// The lowest status that counts as up.
    pub expected_status_min: i16,
    /// The highest status that counts as up.
    pub expected_status_max: i16,
    /// A text that must be in the answer.
    pub expected_text: Option<String>,
    /// Failed pings in a row before an incident opens.
    pub failures_before_incident: i16,
}
