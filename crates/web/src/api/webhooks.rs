//! Webhooks over the API. A secret is shown once: in the answer to the request that made it.

use actix_web::{
    HttpResponse,
    web::{Data, Json, Path},
};
use models::webhooks;
use serde::Deserialize;
use serde_json::json;
use sides_web::{Bearer, Fault, new_secret};

use crate::{draft::check_url, site::Site};

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

pub(super) async fn add(_: Bearer, site: Data<Site>, new: Json<New>) -> Result<HttpResponse, Fault> {
    let url =
        check_url(&new.url, site.allow_private_addresses).map_err(|message| Fault::field("url", message))?;
    let webhook = webhooks::create(&mut *site.connection().await?, &url, &new_secret()).await?;
    Ok(HttpResponse::Created().json(json!({
        "id": webhook.id,
        "url": webhook.url,
        "secret": webhook.secret,
        "created_at": webhook.created_at,
    })))
}

pub(super) async fn delete(_: Bearer, site: Data<Site>, id: Path<i64>) -> Result<HttpResponse, Fault> {
    match webhooks::delete(&mut *site.connection().await?, *id).await? {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(Fault::Missing("webhook")),
    }
}
