//! Routes that every site has, and helpers for an application's own.

use actix_web::{
    HttpResponse,
    error::{JsonPayloadError, PayloadError, UrlencodedError},
    web::{self, FormConfig, JsonConfig, PathConfig, QueryConfig, ServiceConfig},
};

use crate::{
    Fault, Site, assets, read, session,
    sign_in::{show, sign_in, sign_out},
};

/// The largest form or JSON body, in bytes.
const BODY_LIMIT: usize = 32 * 1024;

/// How bodies, queries and paths are read, the chassis' own pages and assets; then the application's routes.
pub(crate) fn configure(
    config: &mut ServiceConfig,
    site: &Site,
    application: impl FnOnce(&mut ServiceConfig),
) {
    config
        .app_data(FormConfig::default().limit(BODY_LIMIT).error_handler(|error, _| form(&error).into()))
        .app_data(JsonConfig::default().limit(BODY_LIMIT).error_handler(|error, _| json(&error).into()))
        .app_data(QueryConfig::default().error_handler(|error, _| query(&error).into()))
        .app_data(PathConfig::default().error_handler(|_, _| Fault::Missing("page").into()))
        .service(read("/sign-in", show).route(web::post().to(sign_in)))
        .service(web::resource("/sign-out").route(web::post().to(sign_out)));
    session::page::configure(config);
    for asset in [&assets::STYLE, &assets::SCRIPT, &assets::ICON]
        .into_iter()
        .chain(site.brand.styles.iter().copied())
        .chain(site.brand.assets.iter().copied())
    {
        config.service(asset.resource());
    }
    application(config);
    config.default_service(web::to(missing));
}

async fn missing() -> Result<HttpResponse, Fault> {
    Err(Fault::Missing("page"))
}

fn form(error: &UrlencodedError) -> Fault {
    match error {
        UrlencodedError::Overflow { .. } => Fault::TooLarge(BODY_LIMIT),
        UrlencodedError::Payload(error) if is_late(error) => Fault::TooSlow,
        UrlencodedError::ContentType => Fault::MediaType("application/x-www-form-urlencoded"),
        error => Fault::Unreadable(format!("Cannot read the form: {}.", sentence(error))),
    }
}

fn json(error: &JsonPayloadError) -> Fault {
    match error {
        JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
            Fault::TooLarge(BODY_LIMIT)
        }
        JsonPayloadError::Payload(error) if is_late(error) => Fault::TooSlow,
        JsonPayloadError::ContentType => Fault::MediaType("application/json"),
        error => Fault::Unreadable(format!("Cannot read the request: {}.", sentence(error))),
    }
}

fn query(error: &dyn std::error::Error) -> Fault {
    Fault::Unreadable(format!("Cannot read the address: {}.", sentence(error)))
}

fn is_late(error: &PayloadError) -> bool {
    matches!(error, PayloadError::Io(error) if error.kind() == std::io::ErrorKind::TimedOut)
}

/// A library's words without the full stop that some of them end with.
fn sentence(error: &dyn std::error::Error) -> String {
    error.to_string().trim_end_matches('.').to_owned()
}
