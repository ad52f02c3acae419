//! An answer of the API.

use serde_json::{Value, json};

/// Status and body.
pub(crate) type Answer = (u16, Value);

pub(crate) fn ok(body: Value) -> Answer {
    (200, body)
}

pub(crate) fn created(body: Value) -> Answer {
    (201, body)
}

/// As Heroku says no.
pub(crate) fn refused(status: u16, id: &str, message: &str) -> Answer {
    (status, json!({"id": id, "message": message}))
}

pub(crate) fn not_found(what: &str) -> Answer {
    refused(404, "not_found", &format!("Couldn't find that {what}."))
}
