//! Incidents, newest first.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use models::{ErrorKind, Incident};
use sides_web::time;

use super::clipped;

/// What to say of each incident.
#[derive(Clone, Copy)]
pub(super) struct Detail {
    /// On the service's own page its name is not repeated.
    pub(super) service: bool,
    /// What exactly happened may hold addresses: for anyone who is signed in.
    pub(super) text: bool,
}

pub(super) fn list(incidents: &[(Incident, String)], detail: Detail, now: DateTime<Utc>) -> Markup {
    html! {
        @if incidents.is_empty() {
            p.quiet { "None." }
        } @else {
            ul.incidents {
                @for (incident, service) in incidents { (one(incident, service, detail, now)) }
            }
        }
    }
}

fn one(incident: &Incident, service: &str, detail: Detail, now: DateTime<Utc>) -> Markup {
    html! {
        li.open[incident.closed_at.is_none()] {
            p.what {
                @if detail.service { a href=(format!("/services/{}", incident.service_id)) { bdi { (service) } } ": " }
                (words(&incident.error_kind))
            }
            p.when {
                (time::at(incident.opened_at)) " – "
                @match incident.closed_at {
                    Some(closed) => { (time::at(closed)) ", for " (time::length(closed - incident.opened_at)) },
                    None => { "ongoing, for " (time::length(now - incident.opened_at)) },
                }
            }
            @if detail.text { p.why { (clipped(&incident.error)) } }
        }
    }
}

/// What a stored error kind means. One that a newer build wrote is shown as it is.
pub(super) fn words(kind: &str) -> &str {
    ErrorKind::of(kind).map_or(clipped(kind), |known| known.words())
}
