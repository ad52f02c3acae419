//! Services over the API.

use actix_web::{
    HttpResponse,
    http::header,
    web::{Data, Json, Path, Query},
};
use chrono::Utc;
use models::{
    Service, reads,
    services::{self, Deleted, Updated},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sides_web::{Bearer, Fault};

use super::views::{ServiceView, page_size};
use crate::{
    draft::{Draft, Rules},
    site::Site,
    watching::{self, edited_meanwhile, own_process, subject},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    after: Option<i64>,
    limit: Option<i64>,
}

pub(super) async fn list(_: Bearer, site: Data<Site>, page: Query<Page>) -> Result<HttpResponse, Fault> {
    let (now, limit) = (Utc::now(), page_size(page.limit));
    let after = page.after.unwrap_or(0);
    let rows =
        site.read(async |connection| Ok(reads::services::after(connection, after, limit).await?)).await?;
    let next = rows.last().filter(|_| i64::try_from(rows.len()) == Ok(limit)).map(|(service, _)| service.id);
    let views: Vec<_> = rows.iter().map(|row| ServiceView::of(row, now)).collect();
    Ok(HttpResponse::Ok().json(json!({ "services": views, "next": next })))
}

pub(super) async fn show(_: Bearer, site: Data<Site>, id: Path<i64>) -> Result<HttpResponse, Fault> {
    answer(&site, *id, HttpResponse::Ok()).await
}

pub(super) async fn add(
    by: Bearer,
    site: Data<Site>,
    draft: Json<Map<String, Value>>,
) -> Result<HttpResponse, Fault> {
    let rules = Rules { egress: &site.egress, own_process: false };
    let draft: Draft = serde_json::from_value(draft.into_inner().into())
        .map_err(|error| Fault::Unreadable(format!("Cannot read the service: {error}.")))?;
    let new = draft.check(rules).map_err(Fault::Fields)?;
    let service = watching::add(&site, &mut *site.connection().await?, &by.actor, &new).await?;
    let mut created = HttpResponse::Created();
    created.insert_header((header::LOCATION, format!("/api/services/{}", service.id)));
    answer(&site, service.id, created).await
}

/// Changes the fields that are given; `null` puts a field back to its default.
pub(super) async fn change(
    by: Bearer,
    site: Data<Site>,
    id: Path<i64>,
    change: Json<Map<String, Value>>,
) -> Result<HttpResponse, Fault> {
    let mut connection = site.connection().await?;
    let service = services::find(&mut connection, *id).await?.ok_or(Fault::Missing("service"))?;
    let draft = merge(&service, change.into_inner())?;
    let rules = Rules { egress: &site.egress, own_process: service.process.is_some() };
    let new = draft.check(rules).map_err(Fault::Fields)?;
    // Only over what was read: two changes of different fields at once must both last.
    match services::update(&mut connection, *id, Some(service.updated_at), &new).await? {
        Updated::Done(_) => by.actor.note(&mut connection, &subject(*id), "change a service").await?,
        Updated::Conflict => return Err(edited_meanwhile()),
        Updated::Missing => return Err(Fault::Missing("service")),
    }
    drop(connection);
    answer(&site, *id, HttpResponse::Ok()).await
}

pub(super) async fn delete(by: Bearer, site: Data<Site>, id: Path<i64>) -> Result<HttpResponse, Fault> {
    let mut connection = site.connection().await?;
    match services::delete(&mut connection, *id).await? {
        Deleted::Done => {
            by.actor.note(&mut connection, &subject(*id), "delete a service").await?;
            Ok(HttpResponse::NoContent().finish())
        }
        Deleted::OwnProcess => Err(own_process(&format!("Service {id}"))),
        Deleted::Missing => Err(Fault::Missing("service")),
    }
}

/// Pings now; the answer says whether there was anything to do.
pub(super) async fn ping(_: Bearer, site: Data<Site>, id: Path<i64>) -> Result<HttpResponse, Fault> {
    let mut connection = site.connection().await?;
    services::find(&mut connection, *id).await?.ok_or(Fault::Missing("service"))?;
    let enqueued = watching::ping_now(&site, &mut connection, *id).await?;
    Ok(HttpResponse::Accepted().json(json!({ "enqueued": enqueued })))
}

pub(super) async fn pause(by: Bearer, site: Data<Site>, id: Path<i64>) -> Result<HttpResponse, Fault> {
    watching::set_paused(&site, &mut *site.connection().await?, &by.actor, *id, true).await?;
    answer(&site, *id, HttpResponse::Ok()).await
}

pub(super) async fn resume(by: Bearer, site: Data<Site>, id: Path<i64>) -> Result<HttpResponse, Fault> {
    watching::set_paused(&site, &mut *site.connection().await?, &by.actor, *id, false).await?;
    answer(&site, *id, HttpResponse::Ok()).await
}

async fn answer(
    site: &Site,
    id: i64,
    mut answer: actix_web::HttpResponseBuilder,
) -> Result<HttpResponse, Fault> {
    let row = site.read(async |connection| Ok(reads::services::find(connection, id).await?)).await?;
    let row = row.ok_or(Fault::Missing("service"))?;
    Ok(answer.json(ServiceView::of(&row, Utc::now())))
}

fn merge(service: &Service, change: Map<String, Value>) -> Result<Draft, Fault> {
    let unreadable = |error| Fault::Unreadable(format!("Cannot read the change: {error}."));
    let mut merged = serde_json::to_value(Draft::from(service)).map_err(unreadable)?;
    for (field, value) in change {
        match (value, merged.as_object_mut()) {
            (Value::Null, Some(fields)) if fields.contains_key(&field) => drop(fields.remove(&field)),
            (value, _) => merged[field] = value,
        }
    }
    serde_json::from_value(merged).map_err(unreadable)
}
