//! Incidents over the API.

use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use models::reads::incidents::{self, Filter};
use serde::Deserialize;
use serde_json::json;
use sides_web::{Bearer, Fault};

use super::views::{IncidentView, page_size};
use crate::site::Site;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    service_id: Option<i64>,
    open: Option<bool>,
    before: Option<i64>,
    limit: Option<i64>,
}

/// Newest first; `?before=` the last one's id gives the next page.
pub(super) async fn list(_: Bearer, site: Data<Site>, page: Query<Page>) -> Result<HttpResponse, Fault> {
    let filter = Filter { service_id: page.service_id, open: page.open, since: None, before: page.before };
    let limit = page_size(page.limit);
    let rows = site.read(async |connection| Ok(incidents::newest(connection, filter, limit).await?)).await?;
    let views: Vec<_> = rows.iter().map(IncidentView::from).collect();
    Ok(HttpResponse::Ok().json(json!({ "incidents": views })))
}
