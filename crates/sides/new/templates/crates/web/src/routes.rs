//! All routes. Signing in and the assets come from sides.

use actix_web::web::ServiceConfig;
use sides_web::{operations, read};

use crate::pages;

pub(crate) fn configure(config: &mut ServiceConfig) {
    config.service(read("/", pages::greetings::show)).service(read("/operations", operations::show));
}
