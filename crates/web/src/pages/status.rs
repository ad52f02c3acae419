//! The public status page.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};
use models::{
    Incident, Service, ServiceState, Standing,
    reads::{self, incidents::Filter},
};
use sides_web::{
    Asset, Fault, Rendered, Visitor,
    layout::{Layout, page},
    time,
};

use super::{bars, incident_list};
use crate::{
    assets,
    history::{self, History},
    site::Site,
};

/// For how long a closed incident stays on the page.
const INCIDENT_DAYS: i64 = 14;
const CLOSED_INCIDENTS: i64 = 30;
/// More are counted, and on the page of all incidents.
const OPEN_INCIDENTS: i64 = 100;

type Named = (Incident, String);

struct Incidents {
    open: Vec<Named>,
    open_count: i64,
    closed: Vec<Named>,
}

struct Row {
    service: Service,
    state: ServiceState,
    standing: Standing,
    history: History,
}

/// The page. Anyone who is not signed in shares one rendering with everybody else.
pub(crate) async fn show(
    request: HttpRequest,
    site: Data<Site>,
    visitor: Visitor,
) -> Result<HttpResponse, Fault> {
    if visitor.admin().is_some() {
        let html = render(&site, &visitor).await?.html;
        return Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(html));
    }
    let page = site.status.get(|| render(&site, &visitor)).await?;
    Ok(page.answer(&request))
}

async fn render(site: &Site, visitor: &Visitor) -> Result<Rendered, Fault> {
    let now = Utc::now();
    let read = site.read(async |connection| {
        let services = reads::services::all(connection).await?;
        let ids: Vec<i64> = services.iter().map(|(service, _)| service.id).collect();
        let histories = history::of(connection, &ids, now).await?;
        let (open, open_count) = reads::incidents::open(connection, None, OPEN_INCIDENTS).await?;
        let since = Some(now - TimeDelta::days(INCIDENT_DAYS));
        let filter = Filter { since, open: Some(false), ..Filter::default() };
        let closed = reads::incidents::newest(connection, filter, CLOSED_INCIDENTS).await?;
        Ok((services, histories, Incidents { open, open_count, closed }))
    });
    let (services, histories, incidents) = read.await?;
    let mut rows: Vec<Row> = services
        .into_iter()
        .zip(histories)
        .map(|((service, state), history)| Row {
            standing: Standing::of(&service, &state, now),
            service,
            state,
            history,
        })
        .collect();
    rows.sort_by_key(|row| urgency(row.standing));
    let (worst, title) = headline(&rows);
    let content = content(&rows, &incidents, visitor, now);
    let layout = Layout { title, visitor, refresh: 10, icon: Some(icon(worst)) };
    let html = page(&layout, &content).into_string();
    Ok(Rendered { html, content: content.into_string() })
}

/// What is wrong stands first.
fn urgency(standing: Standing) -> u8 {
    match standing {
        Standing::Down => 0,
        Standing::Stale => 1,
        Standing::Unknown => 2,
        Standing::Up => 3,
        Standing::Paused => 4,
    }
}

fn content(rows: &[Row], incidents: &Incidents, visitor: &Visitor, now: DateTime<Utc>) -> Markup {
    let (worst, words) = headline(rows);
    let (own, watched): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.service.process.is_some());
    let detail = incident_list::Detail { service: true, text: visitor.admin().is_some() };
    html! {
        h1.headline.(worst.name()) { (words) }
        section aria-labelledby="services" {
            div.head {
                h2 #services { "Services" }
                @if visitor.admin().is_some() { a.button href="/services/new" { "Add a service" } }
            }
            @if watched.is_empty() {
                p.quiet {
                    "Nothing is being monitored yet. "
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
            h2 #incidents { "Incidents" }
            @if !incidents.open.is_empty() {
                h3 { "Open: " (incidents.open_count) }
                (incident_list::list(&incidents.open, detail, now))
            }
            h3 { "Resolved, of the last " (INCIDENT_DAYS) " days" }
            (incident_list::list(&incidents.closed, detail, now))
            p { a href="/incidents" { "All incidents" } }
        }
    }
}

fn list(rows: &[&Row], now: DateTime<Utc>) -> Markup {
    html! {
        ul.services {
            @for row in rows {
                li id=(format!("service-{}", row.service.id)) {
                    div.line {
                        a.name href=(format!("/services/{}", row.service.id)) { bdi { (row.service.name) } }
                        (pill(row.standing))
                    }
                    (bars::compact(&row.history))
                    div.line.quiet {
                        span { (bars::percent(row.history.total())) " " (bars::over(row.history.span())) }
                        @if row.standing != Standing::Up {
                            span { @if let Some(last) = row.state.last_ping_at { "pinged " (time::ago(last, now)) } }
                        }
                    }
                }
            }
        }
    }
}

/// A standing as a word with a colour; the word alone says it all.
pub(super) fn pill(standing: Standing) -> Markup {
    html! { span.pill.(standing.name()) { (words(standing)) } }
}

pub(super) fn words(standing: Standing) -> &'static str {
    match standing {
        Standing::Up => "Up",
        Standing::Down => "Down",
        Standing::Stale => "Not pinged lately",
        Standing::Unknown => "No good ping yet",
        Standing::Paused => "Paused",
    }
}

/// A standing in the tab.
pub(super) fn icon(standing: Standing) -> &'static Asset {
    match standing {
        Standing::Up => &assets::UP,
        Standing::Down => &assets::DOWN,
        Standing::Stale | Standing::Unknown | Standing::Paused => &assets::UNSURE,
    }
}

/// The one sentence that a visitor came for. What is not known is never called well.
fn headline(rows: &[Row]) -> (Standing, &'static str) {
    let any = |standing| rows.iter().any(|row| row.standing == standing);
    if any(Standing::Down) {
        (Standing::Down, "Some services are down")
    } else if any(Standing::Stale) {
        (Standing::Stale, "Some services were not pinged lately")
    } else if any(Standing::Unknown) {
        (Standing::Unknown, "Some services have had no good ping yet")
    } else {
        (Standing::Up, "Everything is up")
    }
}
