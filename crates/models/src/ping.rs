//! Raw pings and hourly figures.

use chrono::{DateTime, Utc};
use database::Moment;
use diesel::prelude::*;

use crate::schema::{ping_hours, pings};

/// One ping.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = pings, check_for_backend(diesel::pg::Pg))]
pub struct Ping {
    /// The service.
    pub service_id: i64,
    /// When it was due; with the service it names the ping.
    #[diesel(deserialize_as = Moment)]
    pub due_at: DateTime<Utc>,
    /// When it was sent.
    #[diesel(deserialize_as = Moment)]
    pub pinged_at: DateTime<Utc>,
    /// Whether it met every expectation.
    pub ok: bool,
    /// Milliseconds until the answer was read or given up.
    pub latency_ms: i32,
    /// The HTTP status, if there was an answer.
    pub status: Option<i16>,
    /// Why it failed, as a fixed word.
    pub error_kind: Option<String>,
    /// Why it failed, for people.
    pub error: Option<String>,
}

/// An hour of pings of one service.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = ping_hours, check_for_backend(diesel::pg::Pg))]
pub struct PingHour {
    /// The service.
    pub service_id: i64,
    /// The hour's first moment.
    #[diesel(deserialize_as = Moment)]
    pub hour: DateTime<Utc>,
    /// How many pings.
    pub pings: i32,
    /// How many of them failed.
    pub failures: i32,
    /// Mean latency in milliseconds.
    pub latency_ms_avg: i32,
    /// The latency that 95 % stayed under, in milliseconds.
    pub latency_ms_p95: i32,
    /// The highest latency in milliseconds.
    pub latency_ms_max: i32,
}
