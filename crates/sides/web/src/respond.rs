//! How addresses are answered that are read, and those that change something.

use actix_web::{HttpResponse, Resource, guard, http::header, web};

/// An address that is read: HEAD is answered like GET, for those who only probe.
pub fn read<F, Args>(path: &str, handler: F) -> Resource
where
    F: actix_web::Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    web::resource(path).route(web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(handler))
}

/// After a change: the page that shows it. A reload then does not repeat the change.
pub fn see(place: impl Into<String>) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, place.into())).finish()
}
