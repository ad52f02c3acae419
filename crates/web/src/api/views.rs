//! What the API says of a service, a ping and an incident. Fields are added here, never renamed or removed.

use chrono::{DateTime, Utc};
use models::{Incident, Ping, Service, ServiceState, Standing};
use serde::Serialize;

use crate::draft::Draft;

/// A service with what its last pings said.
#[derive(Serialize)]
pub(super) struct ServiceView<'a> {
    id: i64,
    #[serde(flatten)]
    settings: Draft,
    process: Option<&'a str>,
    state: &'static str,
    state_since: DateTime<Utc>,
    consecutive_failures: i32,
    last_ping_at: Option<DateTime<Utc>>,
    last_latency_ms: Option<i32>,
    last_error_kind: Option<&'a str>,
    next_ping_at: DateTime<Utc>,
    paused_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl<'a> ServiceView<'a> {
    pub(super) fn of((service, state): &'a (Service, ServiceState), now: DateTime<Utc>) -> Self {
        Self {
            id: service.id,
            settings: Draft::from(service),
            process: service.process.as_deref(),
            state: Standing::of(service, state, now).name(),
            state_since: state.state_since,
            consecutive_failures: state.consecutive_failures,
            last_ping_at: state.last_ping_at,
            last_latency_ms: state.last_latency_ms,
            last_error_kind: state.last_error_kind.as_deref(),
            next_ping_at: state.next_ping_at,
            paused_at: service.paused_at,
            created_at: service.created_at,
            updated_at: service.updated_at,
        }
    }
}

/// One ping.
#[derive(Serialize)]
pub(super) struct PingView<'a> {
    due_at: DateTime<Utc>,
    pinged_at: DateTime<Utc>,
    ok: bool,
    latency_ms: i32,
    status: Option<i16>,
    error_kind: Option<&'a str>,
    error: Option<&'a str>,
}

impl<'a> From<&'a Ping> for PingView<'a> {
    fn from(ping: &'a Ping) -> Self {
        Self {
            due_at: ping.due_at,
            pinged_at: ping.pinged_at,
            ok: ping.ok,
            latency_ms: ping.latency_ms,
            status: ping.status,
            error_kind: ping.error_kind.as_deref(),
            error: ping.error.as_deref(),
        }
    }
}

/// One incident; `closed_at` is null while it lasts.
#[derive(Serialize)]
pub(super) struct IncidentView<'a> {
    id: i64,
    service_id: i64,
    service_name: &'a str,
    opened_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
    error_kind: &'a str,
    error: &'a str,
}

impl<'a> From<&'a (Incident, String)> for IncidentView<'a> {
    fn from((incident, service_name): &'a (Incident, String)) -> Self {
        Self {
            id: incident.id,
            service_id: incident.service_id,
            service_name,
            opened_at: incident.opened_at,
            closed_at: incident.closed_at,
            error_kind: &incident.error_kind,
            error: &incident.error,
        }
    }
}

/// How many of a list are asked for at once: 100 unless told otherwise, 1,000 at most.
pub(super) fn page_size(asked: Option<i64>) -> i64 {
    asked.unwrap_or(100).clamp(1, 1_000)
}
