//! A fault as a page.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};

use super::Fault;
use crate::pages;

/// A page that says what happened and what to do next.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct PageFault(Fault);

impl<F: Into<Fault>> From<F> for PageFault {
    fn from(fault: F) -> Self {
        Self(fault.into())
    }
}

impl ResponseError for PageFault {
    fn status_code(&self) -> StatusCode {
        self.0.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.0.log();
        let mut answer = HttpResponse::build(self.0.status());
        if self.0.status() == StatusCode::SERVICE_UNAVAILABLE {
            answer.insert_header((header::RETRY_AFTER, "5"));
        }
        answer.content_type("text/html; charset=utf-8");
        answer.body(pages::fault::page(&self.0).into_string())
    }
}
