//! The body of a notification.

use chrono::{DateTime, Utc};
use models::{Transition, deliveries::Delivery};
use serde::Serialize;

/// The body of a notification. Built from stored values only, so every attempt says the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payload<'a> {
    /// `incident.opened` or `incident.closed`.
    pub event: &'static str,
    /// The delivery's number.
    pub delivery_id: i64,
    /// Whose incident it is.
    pub service: ServicePart<'a>,
    /// What happened.
    pub incident: IncidentPart<'a>,
}

/// The service as it is named now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServicePart<'a> {
    /// Its key.
    pub id: i64,
    /// What people call it.
    pub name: &'a str,
    /// What is watched; `null` for the application's own processes.
    pub url: Option<&'a str>,
}

/// The incident as it was at the transition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncidentPart<'a> {
    /// Its key.
    pub id: i64,
    /// When it began.
    pub opened_at: DateTime<Utc>,
    /// When it ended; `null` in `incident.opened`, even when it has ended since.
    pub closed_at: Option<DateTime<Utc>>,
    /// Why, as a fixed word.
    pub error_kind: &'a str,
    /// Why, for people.
    pub error: &'a str,
}

impl<'a> Payload<'a> {
    /// What to say about a delivery.
    #[must_use]
    pub fn of(delivery: &'a Delivery) -> Self {
        let (event, closed_at) = match Transition::of(&delivery.row.transition) {
            Some(Transition::Closed) => ("incident.closed", delivery.incident.closed_at),
            _ => ("incident.opened", None),
        };
        let Delivery { service, incident, .. } = delivery;
        Self {
            event,
            delivery_id: delivery.row.id,
            service: ServicePart { id: service.id, name: &service.name, url: service.url.as_deref() },
            incident: IncidentPart {
                id: incident.id,
                opened_at: incident.opened_at,
                closed_at,
                error_kind: &incident.error_kind,
                error: &incident.error,
            },
        }
    }

    /// The exact text that is signed and sent.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers, texts and times always serialize")
    }
}
