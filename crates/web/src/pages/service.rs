//! One service: its status, its latency, its incidents.

use actix_web::web::{Data, Path};
use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};
use models::{
    Incident, Ping, PingHour, Service, ServiceState, Standing,
    reads::{self, incidents::Filter},
};
use sides_web::{
    Admin, Fault, Visitor,
    layout::{Layout, action, page},
    time,
};

use super::{
    bars, chart, clipped, incident_list,
    status::{icon as standing_icon, pill, words},
};
use crate::{
    history::{self, History},
    site::Site,
};

const CHART_DAYS: i64 = 7;
const PINGS: i64 = 50;
const SHOWN_PINGS: usize = 20;
const INCIDENTS: i64 = 20;

struct Facts {
    service: Service,
    state: ServiceState,
    history: History,
    hours: Vec<PingHour>,
    pings: Vec<Ping>,
    incidents: Vec<(Incident, String)>,
}

pub(crate) async fn show(site: Data<Site>, visitor: Visitor, id: Path<i64>) -> Result<Markup, Fault> {
    let now = Utc::now();
    let facts = read(&site, *id, now).await?;
    let standing = Standing::of(&facts.service, &facts.state, now);
    let title = format!("{}: {}", facts.service.name, words(standing));
    let layout =
        Layout { title: &title, visitor: &visitor, refresh: 10, icon: Some(standing_icon(standing)) };
    Ok(page(&layout, &content(&facts, visitor.admin(), now)))
}

async fn read(site: &Site, id: i64, now: DateTime<Utc>) -> Result<Facts, Fault> {
    site.read(async |c| {
        let (service, state) = reads::services::find(c, id).await?.ok_or(Fault::Missing("service"))?;
        let filter = Filter { service_id: Some(id), ..Filter::default() };
        Ok(Facts {
            service,
            state,
            history: history::of(c, &[id], now).await?.remove(0),
            hours: reads::latency::hours(c, id, now - TimeDelta::days(CHART_DAYS)).await?,
            pings: reads::pings::before(c, id, now + TimeDelta::hours(1), PINGS).await?,
            incidents: {
                let mut incidents = reads::incidents::open(c, Some(id), INCIDENTS).await?.0;
                let closed = Filter { open: Some(false), ..filter };
                incidents.extend(reads::incidents::newest(c, closed, INCIDENTS).await?);
                incidents
            },
        })
    })
    .await
}

fn content(facts: &Facts, admin: Option<&Admin>, now: DateTime<Utc>) -> Markup {
    let Facts { service, state, .. } = facts;
    let standing = Standing::of(service, state, now);
    let detail = incident_list::Detail { service: false, text: admin.is_some() };
    html! {
        div.head {
            h1 { bdi { (service.name) } }
            (pill(standing))
        }
        p.quiet {
            @if matches!(standing, Standing::Up | Standing::Down) { "For " (time::length(now - state.state_since)) ". " }
            "Pinged every " (time::length(TimeDelta::seconds(service.interval_seconds.into())))
            @if let Some(last) = state.last_ping_at { ", last " (time::ago(last, now)) }
            "."
        }
        @if let Some(admin) = admin { (actions(service, admin)) }
        section aria-labelledby="days" {
            h2 #days { "Uptime: " (bars::percent(facts.history.total())) " " (bars::over(facts.history.span())) }
            (bars::bars(&facts.history))
        }
        section aria-labelledby="latency" {
            h2 #latency { "Latency" }
            (chart::chart(&chart::points(&facts.hours, &facts.pings)))
        }
        section aria-labelledby="incidents" {
            h2 #incidents { "Incidents" }
            (incident_list::list(&facts.incidents, detail, now))
        }
        section aria-labelledby="pings" {
            h2 #pings { "Last pings" }
            (table(facts, admin.is_some(), now))
        }
    }
}

/// What only whoever is signed in sees: the address, which may hold a secret, and what can be done.
fn actions(service: &Service, admin: &Admin) -> Markup {
    let at = |verb: &str| format!("/services/{}/{verb}", service.id);
    html! {
        @if let Some(url) = &service.url { p.address { code { (service.method) } " " (url) } }
        div.actions {
            a.button href=(at("edit")) { "Edit" }
            @if service.paused_at.is_some() {
                (action(admin, &at("resume"), "Resume"))
            } @else {
                (action(admin, &at("ping"), "Ping now"))
                (action(admin, &at("pause"), "Pause"))
            }
            @if service.process.is_none() {
                details.danger {
                    summary.button { "Delete" }
                    p { "Its pings and incidents are deleted, too. This cannot be undone." }
                    (action(admin, &at("delete"), "Delete it"))
                }
            }
        }
    }
}

fn table(facts: &Facts, with_text: bool, now: DateTime<Utc>) -> Markup {
    html! {
        @if facts.pings.is_empty() {
            p.quiet { "None yet." }
        } @else {
            table {
                thead { tr { th { "When" } th { "Result" } th.number { "Latency" } } }
                tbody {
                    @for ping in facts.pings.iter().take(SHOWN_PINGS) {
                        tr {
                            td { (time::ago(ping.pinged_at, now)) }
                            td { (result(ping, with_text)) }
                            td.number { (ping.latency_ms) " ms" }
                        }
                    }
                }
            }
        }
    }
}

fn result(ping: &Ping, with_text: bool) -> Markup {
    let words = ping.error_kind.as_deref().map(incident_list::words);
    html! {
        @if ping.ok { span.good { "good" } } @else { span.bad { (words.unwrap_or("failed")) } }
        @if let Some(status) = ping.status { span.quiet { " · " (status) } }
        @if with_text { @if let Some(error) = &ping.error { div.why { (clipped(error)) } } }
    }
}
