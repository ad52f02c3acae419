//! The status page: how everything stands, for everybody.

use actix_web::web::Data;
use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};
use models::{
    Incident, Service, ServiceState, Standing,
    reads::{self, incidents::Filter},
};
use sides_web::{
    Fault, Visitor,
    layout::{Layout, page},
    time,
};

use super::{bars, incident_list};
use crate::{
    history::{self, History},
    site::Site,
};

/// For how long a closed incident stays on the page.
const INCIDENT_DAYS: i64 = 14;
const INCIDENTS: i64 = 30;

struct Row {
    service: Service,
    state: ServiceState,
    standing: Standing,
    history: History,
}

pub(crate) async fn show(site: Data<Site>, visitor: Visitor) -> Result<Markup, Fault> {
    let now = Utc::now();
    let read = site.read(async |connection| {
        let services = reads::services::all(connection).await?;
        let ids: Vec<i64> = services.iter().map(|(service, _)| service.id).collect();
        let histories = history::of(connection, &ids, now).await?;
        let since = Some(now - TimeDelta::days(INCIDENT_DAYS));
        let filter = Filter { since, ..Filter::default() };
        let incidents = reads::incidents::newest(connection, filter, INCIDENTS).await?;
        Ok((services, histories, incidents))
    });
    let (services, histories, incidents) = read.await?;
    let rows: Vec<Row> = services
        .into_iter()
        .zip(histories)
        .map(|((service, state), history)| Row {
            standing: Standing::of(&service, &state, now),
            service,
            state,
            history,
        })
        .collect();
    let layout = Layout { title: headline(&rows).1, visitor: &visitor, refresh: 10 };
    Ok(page(&layout, &content(&rows, &incidents, &visitor, now)))
}

fn content(rows: &[Row], incidents: &[(Incident, String)], visitor: &Visitor, now: DateTime<Utc>) -> Markup {
    let (class, words) = headline(rows);
    let (own, watched): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.service.process.is_some());
    let detail = incident_list::Detail { service: true, text: visitor.admin().is_some() };
    html! {
        h1.headline.(class) { (words) }
        section aria-labelledby="services" {
            div.head {
                h2 #services { "Services" }
                @if visitor.admin().is_some() { a.button href="/services/new" { "Add a service" } }
            }
            @if watched.is_empty() {
                p.quiet {
                    "Nothing is watched yet. "
                    @if visitor.admin().is_some() { "Add the first service: its address is enough." }
                    @else { a href="/sign-in" { "Sign in" } " to add the first service." }
                }
            }
            (list(&watched, now))
        }
        section aria-labelledby="own" {
            h2 #own { "This monitor itself" }
            (list(&own, now))
        }
        section aria-labelledby="incidents" {
            h2 #incidents { "Incidents of the last " (INCIDENT_DAYS) " days" }
            (incident_list::list(incidents, detail, now))
        }
    }
}

fn list(rows: &[&Row], now: DateTime<Utc>) -> Markup {
    html! {
        ul.services {
            @for row in rows {
                li {
                    div.line {
                        a.name href=(format!("/services/{}", row.service.id)) { (row.service.name) }
                        (pill(row.standing))
                    }
                    (bars::bars(&row.history))
                    div.line.quiet {
                        span { (bars::percent(row.history.total())) " over 90 days" }
                        span { @if let Some(last) = row.state.last_ping_at { "pinged " (time::ago(last, now)) } }
                    }
                }
            }
        }
    }
}

/// A standing as a word with a colour; the word alone says it all.
pub(super) fn pill(standing: Standing) -> Markup {
    let words = match standing {
        Standing::Up => "Up",
        Standing::Down => "Down",
        Standing::Stale => "Not pinged lately",
        Standing::Unknown => "No good ping yet",
        Standing::Paused => "Paused",
    };
    html! { span.pill.(standing.name()) { (words) } }
}

/// The one sentence that a visitor came for. What is not known is never called well.
fn headline(rows: &[Row]) -> (&'static str, &'static str) {
    let any = |standing| rows.iter().any(|row| row.standing == standing);
    if any(Standing::Down) {
        ("down", "Some services are down")
    } else if any(Standing::Stale) {
        ("stale", "Some services were not pinged lately")
    } else if any(Standing::Unknown) {
        ("unknown", "Some services have had no good ping yet")
    } else {
        ("up", "Everything is up")
    }
}
