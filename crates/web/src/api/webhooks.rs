//! Webhooks over the API. A secret is shown once: in the answer to the request that made it.

use actix_web::{
    HttpResponse,
    web::{Data, Json, Path},
};
use models::webhooks;
use serde::Deserialize;
use serde_json::json;
use sides_web::{Actor, Bearer, Fault, new_secret};

use crate::{draft::check_url, site::Site};

/// Adding one twice would tell its receiver everything twice.
pub(crate) const KNOWN: &str =
    "There is already a webhook for this address. Delete it first if its secret is lost.";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    url: String,
}

pub(super) async fn list(_: Bearer, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let all = site.read(async |connection| Ok(webhooks::all(connection).await?)).await?;
    let views: Vec<_> = all
        .iter()
        .map(|(webhook, newest)| {
            json!({
                "id": webhook.id,
                "url": webhook.url,
                "created_at": webhook.created_at,
                "disabled_at": webhook.disabled_at,
                "last_delivery": newest.as_ref().map(|delivery| json!({
                    "id": delivery.id,
                    "transition": delivery.transition,
                    "created_at": delivery.created_at,
                    "delivered_at": delivery.delivered_at,
                    "error": delivery.last_error,
                })),
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "webhooks": views })))
}

pub(super) async fn add(by: Bearer, site: Data<Site>, new: Json<New>) -> Result<HttpResponse, Fault> {
    let url = check_url(&new.url, &site.egress).map_err(|message| Fault::field("url", message))?;
    let mut connection = site.connection().await?;
    let webhook = webhooks::add(&mut connection, &url, &new_secret())
        .await?
        .ok_or_else(|| Fault::field("url", KNOWN))?;
    by.actor.note(&mut connection, &format!("webhook {}", webhook.id), "add a webhook").await?;
    Ok(HttpResponse::Created().json(json!({
        "id": webhook.id,
        "url": webhook.url,
        "secret": webhook.secret,
        "created_at": webhook.created_at,
    })))
}

pub(super) async fn delete(by: Bearer, site: Data<Site>, id: Path<i64>) -> Result<HttpResponse, Fault> {
    let mut connection = site.connection().await?;
    match webhooks::delete(&mut connection, *id).await? {
        true => {
            by.actor.note(&mut connection, &format!("webhook {id}"), "delete a webhook").await?;
            Ok(HttpResponse::NoContent().finish())
        }
        false => Err(Fault::Missing("webhook")),
    }
}

pub(super) async fn pause(by: Bearer, site: Data<Site>, id: Path<i64>) -> Result<HttpResponse, Fault> {
    set_paused(&site, &by.actor, *id, true).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub(super) async fn resume(by: Bearer, site: Data<Site>, id: Path<i64>) -> Result<HttpResponse, Fault> {
    set_paused(&site, &by.actor, *id, false).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// For the page, too.
pub(crate) async fn set_paused(site: &Site, by: &Actor, id: i64, paused: bool) -> Result<(), Fault> {
    let mut connection = site.connection().await?;
    if !webhooks::set_paused(&mut connection, id, paused).await? {
        return Err(Fault::Missing("webhook"));
    }
    let action = if paused { "pause a webhook" } else { "resume a webhook" };
    Ok(by.note(&mut connection, &format!("webhook {id}"), action).await?)
}
