//! Every address. Signing in and the assets are sides' own.

use actix_web::web::ServiceConfig;
use sides_web::{operations, read};

use crate::pages;

pub(crate) fn configure(config: &mut ServiceConfig) {
    config.service(read("/", pages::greetings::show)).service(read("/operations", operations::show));
}
