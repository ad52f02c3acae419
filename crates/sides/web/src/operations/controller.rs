//! The controllers' actions: restarts, recycling, scaling, memory.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::ledger::{self, Action, Trend};
use crate::time;

pub(crate) fn actions(actions: &[Action], now: DateTime<Utc>) -> Markup {
    html! {
        @if actions.is_empty() {
            p.quiet { "No findings or actions." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Table" { table {
                thead { tr { th { "When" } th { "What" } th { "About" } th { "Instances" } th { "By" } th { "Why" } th { "Outcome" } } }
                tbody {
                    @for action in actions {
                        tr {
                            td { (time::ago(action.at, now)) }
                            td { (action.action) }
                            td { (action.subject) }
                            td { (ledger::sizes(action).unwrap_or_default()) }
                            td { (action.asked_by) }
                            td { (action.reason) }
                            td { (action.outcome) }
                        }
                    }
                }
            } }
        }
    }
}

pub(crate) fn trends(trends: &[Trend], now: DateTime<Utc>) -> Markup {
    html! {
        @if trends.is_empty() {
            p.quiet { "No measurements yet: a clock that runs under a host takes them." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Table" { table {
                thead { tr {
                    th { "Process" } th { "Release" } th.number { "Memory" } th.number { "Growth" }
                    th.number { "Limit" } th { "Reached" }
                } }
                tbody {
                    @for trend in trends {
                        tr {
                            td { (trend.process) }
                            td { code { (trend.release) } }
                            td.number { (trend.resident_bytes >> 20) " MB" }
                            td.number { (format!("{:+.1} MB/h", trend.bytes_per_hour / 1_048_576.0)) " (" (trend.samples) " samples)" }
                            td.number { @if let Some(limit) = trend.limit_bytes { (limit >> 20) " MB" } }
                            td { @if let Some(at) = trend.full_at { (time::ago(at, now)) } }
                        }
                    }
                }
            } }
        }
    }
}
