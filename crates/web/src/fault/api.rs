//! A fault as JSON.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde_json::json;

use super::Fault;

/// `{"error": {"code", "message", "fields"}}` with the fault's status.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct ApiFault(Fault);

impl<F: Into<Fault>> From<F> for ApiFault {
    fn from(fault: F) -> Self {
        Self(fault.into())
    }
}

impl ResponseError for ApiFault {
    fn status_code(&self) -> StatusCode {
        self.0.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.0.log();
        let mut error = json!({ "code": self.0.code(), "message": self.0.to_string() });
        if let Fault::Fields(fields) = &self.0 {
            error["fields"] = json!(fields);
        }
        let mut answer = HttpResponse::build(self.0.status());
        if matches!(self.0, Fault::SignedOut) {
            answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if self.0.status() == StatusCode::SERVICE_UNAVAILABLE {
            answer.insert_header((header::RETRY_AFTER, "5"));
        }
        answer.json(json!({ "error": error }))
    }
}
