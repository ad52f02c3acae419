//! The JSON API. `GET /api/summary` is for everybody; all else needs `Authorization: Bearer <ADMIN_TOKEN>`.

mod incidents;
mod pings;
mod services;
mod summary;
mod views;
pub(crate) mod webhooks;

use actix_web::web::{self, ServiceConfig};

use sides_web::read;

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(read("/summary", summary::show))
        .service(read("/services", services::list).route(web::post().to(services::add)))
        .service(
            read("/services/{id}", services::show)
                .route(web::patch().to(services::change))
                .route(web::delete().to(services::delete)),
        )
        .service(read("/services/{id}/pings", pings::list))
        .service(web::resource("/services/{id}/ping").route(web::post().to(services::ping)))
        .service(web::resource("/services/{id}/pause").route(web::post().to(services::pause)))
        .service(web::resource("/services/{id}/resume").route(web::post().to(services::resume)))
        .service(read("/incidents", incidents::list))
        .service(read("/webhooks", webhooks::list).route(web::post().to(webhooks::add)))
        .service(web::resource("/webhooks/{id}").route(web::delete().to(webhooks::delete)))
        .service(web::resource("/webhooks/{id}/pause").route(web::post().to(webhooks::pause)))
        .service(web::resource("/webhooks/{id}/resume").route(web::post().to(webhooks::resume)));
}
