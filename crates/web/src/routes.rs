//! Every address of the monitor. Signing in and the assets are the chassis'.

use actix_web::{
    HttpRequest, HttpResponse,
    middleware::from_fn,
    web::{self, Data, PathConfig, ServiceConfig},
};
use sides_web::{Fault, as_json, operations, read};

use crate::{api, pages, site::Site};

pub(crate) fn of(site: Site) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let site = Data::new(site);
    move |config| {
        config
            .app_data(site.clone())
            .service(read("/", pages::status::show))
            .service(pages::incidents())
            .service(pages::service_routes())
            .service(pages::webhook_routes())
            .service(read("/operations", operations::show))
            .service(
                web::scope("/api")
                    .wrap(from_fn(as_json))
                    .app_data(PathConfig::default().error_handler(|_, _| Fault::Missing("id").into()))
                    .configure(api::configure)
                    .default_service(web::to(missing)),
            );
    }
}

async fn missing(request: HttpRequest) -> Result<HttpResponse, Fault> {
    tracing::debug!(http.path = request.path(), "no such address");
    Err(Fault::Missing("address in this API"))
}
