//! Every address that web answers.

use actix_web::{
    HttpRequest, HttpResponse, Resource, guard,
    web::{self, FormConfig, JsonConfig, PathConfig, QueryConfig, ServiceConfig},
};

use crate::{
    api, assets,
    fault::{ApiFault, Fault, PageFault},
    pages,
};

/// The largest form or JSON body, in bytes. All fields together stay far below.
const BODY_LIMIT: usize = 32 * 1024;

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .app_data(FormConfig::default().limit(BODY_LIMIT).error_handler(|error, _| unreadable(&error)))
        .app_data(QueryConfig::default().error_handler(|error, _| unreadable(&error)))
        .app_data(PathConfig::default().error_handler(|_, _| PageFault::from(Fault::Missing("page")).into()))
        .service(read("/", pages::status::show))
        .service(pages::service_routes())
        .service(pages::webhook_routes())
        .service(read("/operations", pages::operations::show))
        .service(read("/sign-in", pages::sign_in::show).route(web::post().to(pages::sign_in::sign_in)))
        .service(web::resource("/sign-out").route(web::post().to(pages::sign_in::sign_out)))
        .service(read("/assets/style.css", assets::style))
        .service(read("/assets/refresh.js", assets::script))
        .service(read("/assets/icon.svg", assets::icon))
        .service(
            web::scope("/api")
                .app_data(JsonConfig::default().limit(BODY_LIMIT).error_handler(|error, _| refuse(&error)))
                .app_data(QueryConfig::default().error_handler(|error, _| refuse(&error)))
                .app_data(
                    PathConfig::default().error_handler(|_, _| ApiFault::from(Fault::Missing("id")).into()),
                )
                .configure(api::configure)
                .default_service(web::to(no_api)),
        )
        .default_service(web::to(no_page));
}

/// An address that is read: HEAD is answered like GET, for those who only probe.
pub(crate) fn read<F, Args>(path: &str, handler: F) -> Resource
where
    F: actix_web::Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    web::resource(path).route(web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(handler))
}

async fn no_page() -> Result<HttpResponse, PageFault> {
    Err(Fault::Missing("page").into())
}

async fn no_api(request: HttpRequest) -> Result<HttpResponse, ApiFault> {
    tracing::debug!(http.path = request.path(), "no such address");
    Err(Fault::Missing("address in this API").into())
}

fn unreadable(error: &dyn std::error::Error) -> actix_web::Error {
    PageFault::from(Fault::Unreadable(format!("The form cannot be read: {error}."))).into()
}

fn refuse(error: &dyn std::error::Error) -> actix_web::Error {
    ApiFault::from(Fault::Unreadable(format!("The request cannot be read: {error}."))).into()
}
