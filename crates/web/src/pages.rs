//! The pages: each reads what it shows, and is rendered here on the server.

mod bars;
mod chart;
mod edit;
pub(crate) mod fault;
mod incident_list;
mod layout;
pub(crate) mod operations;
mod service;
mod service_form;
pub(crate) mod sign_in;
pub(crate) mod status;
mod tended;
mod time;
mod webhooks;

use actix_web::{HttpResponse, Scope, http::header, web};

use crate::routes::read;

/// Everything under `/services`.
pub(crate) fn service_routes() -> Scope {
    web::scope("/services")
        .service(read("/new", edit::blank))
        .service(web::resource("").route(web::post().to(edit::add)))
        .service(read("/{id}", service::show).route(web::post().to(edit::change)))
        .service(read("/{id}/edit", edit::form))
        .service(web::resource("/{id}/ping").route(web::post().to(edit::ping)))
        .service(web::resource("/{id}/pause").route(web::post().to(edit::pause)))
        .service(web::resource("/{id}/resume").route(web::post().to(edit::resume)))
        .service(web::resource("/{id}/delete").route(web::post().to(edit::delete)))
}

/// Everything under `/webhooks`.
pub(crate) fn webhook_routes() -> Scope {
    web::scope("/webhooks")
        .service(read("", webhooks::show).route(web::post().to(webhooks::add)))
        .service(web::resource("/{id}/delete").route(web::post().to(webhooks::delete)))
}

/// After a change: the page that shows it. A reload then does not repeat the change.
fn see(place: impl Into<String>) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, place.into())).finish()
}
