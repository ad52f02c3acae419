//! The operations page: processes, queue, schedules.

mod controller;
mod fleet;
mod ledger;

use std::time::Duration;

use actix_web::web::Data;
use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};
use queue::KindOverview;

use crate::{
    Admin, Fault, Site, Visitor,
    layout::{Layout, page},
    time,
};
use fleet::{Instance, Schedule};

/// A heartbeat comes every five seconds.
const SILENT_AFTER: TimeDelta = TimeDelta::seconds(20);

/// The dashboard, for anyone who is signed in.
///
/// # Errors
/// When the database is unavailable.
pub async fn show(site: Data<Site>, _: Admin, visitor: Visitor) -> Result<Markup, Fault> {
    let all = site.read(async |connection| {
        let instances = fleet::instances(connection).await?;
        let kinds = queue::overview(connection).await?;
        let schedules = fleet::schedules(connection).await?;
        let actions = ledger::actions(connection).await?;
        let trends = ledger::trends(connection).await?;
        Ok((instances, kinds, schedules, actions, trends))
    });
    let (instances, kinds, schedules, actions, trends) = all.await?;
    let now = Utc::now();
    let content = html! {
        h1 { "Operations" }
        section aria-labelledby="processes" {
            h2 #processes { "Processes" }
            (processes(&instances, site.brand.processes, now))
        }
        section aria-labelledby="queue" {
            h2 #queue { "Queue" }
            (queue_table(&kinds))
        }
        section aria-labelledby="ticks" {
            h2 #ticks { "Next ticks" }
            (schedule_table(&schedules, now))
        }
        section aria-labelledby="actions" {
            h2 #actions { "Actions" }
            (controller::actions(&actions, now))
        }
        section aria-labelledby="memory" {
            h2 #memory { "Memory" }
            (controller::trends(&trends, now))
        }
    };
    Ok(page(&Layout { title: "Operations", visitor: &visitor, refresh: 5, icon: None }, &content))
}

fn processes(instances: &[Instance], expected: &[&str], now: DateTime<Utc>) -> Markup {
    let missing = expected.iter().filter(|name| instances.iter().all(|instance| instance.process != **name));
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table" { table {
            thead { tr { th { "Process" } th { "State" } th { "Release" } th { "Where" } th { "Runs for" } th { "Last heartbeat" } } }
            tbody {
                @for instance in instances {
                    tr {
                        td { (instance.process) }
                        td { (state(instance, now)) }
                        td { code { (instance.release) } }
                        td { (instance.host) " · " (instance.pid) }
                        td { (time::length(now - instance.started_at)) }
                        td { (time::ago(instance.heartbeat_at, now)) }
                    }
                }
                @for name in missing {
                    tr { td { (name) } td { span.pill.down { "not running" } } td colspan="4" {} }
                }
            }
        } }
    }
}

fn state(instance: &Instance, now: DateTime<Utc>) -> Markup {
    let (class, words) = match instance.state.as_str() {
        _ if now - instance.heartbeat_at > SILENT_AFTER => ("down", "silent"),
        "ready" => ("up", "ready"),
        other => ("unknown", other),
    };
    html! { span.pill.(class) { (words) } }
}

fn queue_table(kinds: &[KindOverview]) -> Markup {
    html! {
        @if kinds.is_empty() {
            p.quiet { "Empty." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Table" { table {
                thead { tr {
                    th { "Kind" } th.number { "Ready" } th.number { "Later" } th.number { "Running" }
                    th.number { "Failed" } th.number { "Parked" } th { "Oldest waits" }
                } }
                tbody { @for kind in kinds { (queue_row(kind)) } }
            } }
        }
    }
}

fn queue_row(kind: &KindOverview) -> Markup {
    let waits = kind
        .oldest_ready_seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .and_then(|waits| TimeDelta::from_std(waits).ok());
    html! {
        tr {
            td {
                (kind.kind)
                @if kind.waits_for_build { " " span.pill.stale { "waits for a build that knows it" } }
            }
            td.number { @if kind.estimated { "about " } (kind.ready) }
            td.number { @if kind.estimated { "about " } (kind.scheduled) }
            td.number { (kind.running) }
            td.number { @if kind.failed > 0 { strong.bad { (kind.failed) } } @else { "0" } }
            td.number { (kind.parked) }
            td { @if let Some(waits) = waits { (time::length(waits)) } }
        }
    }
}

fn schedule_table(schedules: &[Schedule], now: DateTime<Utc>) -> Markup {
    html! {
        @if schedules.is_empty() {
            p.quiet { "No clock has run yet." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Table" { table {
                thead { tr { th { "Schedule" } th { "When" } th { "Enqueues" } th { "Next" } th { "Last fired" } } }
                tbody {
                    @for schedule in schedules {
                        tr {
                            td { (schedule.name) }
                            td { code { (schedule.expression) } " " (schedule.zone) }
                            td { (schedule.kind) }
                            td { (time::ago(schedule.next_due_at, now)) }
                            td { @if let Some(fired) = schedule.last_fired_at { (time::ago(fired, now)) } @else { "never" } }
                        }
                    }
                }
            } }
        }
    }
}
