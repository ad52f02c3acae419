//! The pages: each reads what it shows, and is rendered here on the server.

mod bars;
mod chart;
mod edit;
mod incident_list;
mod incidents;
mod service;
mod service_form;
pub(crate) mod status;
mod webhooks;

use actix_web::{Resource, Scope, web};
use sides_web::read;

/// Of a text that was stored what a page shows: nobody reads more, and one row must not make the page for all.
fn clipped(text: &str) -> &str {
    const LONGEST: usize = 1_000;
    text.char_indices().nth(LONGEST).map_or(text, |(end, _)| &text[..end])
}

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

/// All incidents.
pub(crate) fn incidents() -> Resource {
    read("/incidents", incidents::show)
}

/// Everything under `/webhooks`.
pub(crate) fn webhook_routes() -> Scope {
    web::scope("/webhooks")
        .service(read("", webhooks::show).route(web::post().to(webhooks::add)))
        .service(web::resource("/{id}/pause").route(web::post().to(webhooks::pause)))
        .service(web::resource("/{id}/resume").route(web::post().to(webhooks::resume)))
        .service(web::resource("/{id}/delete").route(web::post().to(webhooks::delete)))
}
