//! A fault as JSON.

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::Next,
};
use serde_json::json;

use super::Fault;

/// Middleware for a scope that programs talk to: `{"error": {"code", "message", "fields"}}` with the fault's
/// status.
///
/// # Errors
/// None of its own.
pub async fn as_json(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let answer = match response.response().error().and_then(|error| error.as_error::<Fault>()) {
        Some(fault) => answer(fault),
        None if response.status() == StatusCode::METHOD_NOT_ALLOWED => answer(&Fault::Method),
        None => return Ok(response),
    };
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut answered = response.into_response(answer);
    if let Some(allow) = allow {
        answered.headers_mut().insert(header::ALLOW, allow);
    }
    Ok(answered)
}

fn answer(fault: &Fault) -> HttpResponse {
    let mut error = json!({ "code": fault.code(), "message": fault.to_string() });
    if let Fault::Fields(fields) = fault {
        error["fields"] = json!(fields);
    }
    let mut answer = fault.answer();
    if matches!(fault, Fault::SignedOut) {
        answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    answer.json(json!({ "error": error }))
}
