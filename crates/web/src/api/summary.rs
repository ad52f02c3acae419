//! The public summary: names and states, no addresses.

use actix_web::{HttpResponse, web::Data};
use chrono::Utc;
use models::{Standing, reads};
use serde_json::json;
use sides_web::Fault;

use crate::site::Site;

pub(super) async fn show(site: Data<Site>) -> Result<HttpResponse, Fault> {
    let now = Utc::now();
    let services = site.read(async |connection| Ok(reads::services::all(connection).await?)).await?;
    let services: Vec<_> = services
        .iter()
        .map(|(service, state)| {
            json!({
                "id": service.id,
                "name": service.name,
                "state": Standing::of(service, state, now).name(),
                "state_since": state.state_since,
            })
        })
        .collect();
    let down = services.iter().filter(|service| service["state"] == "down").count();
    Ok(HttpResponse::Ok().json(json!({ "at": now, "down": down, "services": services })))
}
