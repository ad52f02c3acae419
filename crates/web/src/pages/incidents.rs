//! All incidents: open ones, and past ones page by page.

use actix_web::web::{Data, Query};
use chrono::Utc;
use maud::{Markup, html};
use models::reads::incidents::{self, Filter};
use serde::Deserialize;
use sides_web::{
    Fault, Visitor,
    layout::{Layout, page},
};

use super::incident_list;
use crate::site::Site;

const PAGE: i64 = 50;
/// Every service has one open incident at most.
const OPEN: i64 = 1000;

#[derive(Deserialize)]
pub(super) struct Asked {
    before: Option<i64>,
}

pub(super) async fn show(site: Data<Site>, visitor: Visitor, asked: Query<Asked>) -> Result<Markup, Fault> {
    let now = Utc::now();
    let mut connection = site.connection().await?;
    let (open, open_count) = incidents::open(&mut connection, None, OPEN).await?;
    let filter = Filter { open: Some(false), before: asked.before, ..Filter::default() };
    let closed = incidents::newest(&mut connection, filter, PAGE).await?;
    drop(connection);
    let more = closed.last().filter(|_| i64::try_from(closed.len()) == Ok(PAGE)).map(|(last, _)| last.id);
    let detail = incident_list::Detail { service: true, text: visitor.admin().is_some() };
    let content = html! {
        h1 { "Incidents" }
        section aria-labelledby="open" {
            h2 #open { "Open: " (open_count) }
            (incident_list::list(&open, detail, now))
        }
        section aria-labelledby="over" {
            h2 #over { "Over" }
            (incident_list::list(&closed, detail, now))
            @if let Some(before) = more { p { a href=(format!("/incidents?before={before}")) { "Older ones" } } }
        }
    };
    Ok(page(&Layout { title: "Incidents", visitor: &visitor, refresh: 0, icon: None }, &content))
}
