//! The last raw pings of a service.

use actix_web::{
    HttpResponse,
    web::{Data, Path, Query},
};
use chrono::{DateTime, TimeDelta, Utc};
use models::{reads, services};
use serde::Deserialize;
use serde_json::json;
use sides_web::{Bearer, Fault};

use super::views::{PingView, page_size};
use crate::{moment, site::Site};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    before: Option<DateTime<Utc>>,
    limit: Option<i64>,
}

/// Newest first; `?before=` the last one's `due_at` gives the next page.
pub(super) async fn list(
    _: Bearer,
    site: Data<Site>,
    id: Path<i64>,
    page: Query<Page>,
) -> Result<HttpResponse, Fault> {
    let before = page.before.unwrap_or_else(|| Utc::now() + TimeDelta::hours(1));
    let before = moment::check("before", before)?;
    let pings = site.read(async |connection| {
        services::find(connection, *id).await?.ok_or(Fault::Missing("service"))?;
        Ok(reads::pings::before(connection, *id, before, page_size(page.limit)).await?)
    });
    let pings = pings.await?;
    let views: Vec<_> = pings.iter().map(PingView::from).collect();
    Ok(HttpResponse::Ok().json(json!({ "pings": views })))
}
