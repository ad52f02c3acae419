//! Telling a webhook of an incident.
//!
//! A notification is a `POST` of JSON (`payload`) with these headers:
//!
//! | Header | Meaning |
//! |---|---|
//! | `Sides-Event` | `incident.opened` or `incident.closed` |
//! | `Sides-Delivery` | the delivery's number, the same in every attempt: a receiver that has seen it is done |
//! | `Sides-Timestamp` | when this attempt was signed, in seconds since 1970 |
//! | `Sides-Signature` | `v1=` and the HMAC-SHA256 of `<timestamp>.<body>` under the webhook's secret, in hex |
//!
//! A receiver computes the signature itself, compares in constant time, and refuses timestamps older than a few
//! minutes. Any 2xx accepts. 408, 429, 3xx, 5xx and a broken connection are tried again for a few hours; any
//! other 4xx is final. Redirects are not followed. Delivery is at least once, and in no fixed order.

mod payload;
mod signature;

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use egress::{Egress, UrlFault};
use models::{ErrorKind, deliveries::Delivery};
use reqwest::{Client, StatusCode, header::CONTENT_TYPE};

pub use payload::Payload;
pub use signature::sign;

use crate::fetch::{ClientError, Clients, Failure, classify};

/// The time for one attempt.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Sends notifications.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Client,
    egress: Arc<Egress>,
}

/// Why a receiver was not told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// It may work later.
    #[error("{0}")]
    Again(String),
    /// It will not work later either.
    #[error("{0}")]
    Final(String),
}

impl Sender {
    /// A sender with the rules of `clients`.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(clients: &Clients) -> Result<Self, ClientError> {
        Ok(Self { client: clients.guarded()?, egress: Arc::clone(clients.egress()) })
    }

    pub(crate) async fn send(&self, delivery: &Delivery) -> Result<(), SendError> {
        let refuse = |fault: UrlFault| SendError::Final(fault.to_string());
        let url = egress::parse_url(&delivery.webhook.url).map_err(refuse)?;
        self.egress.check_host(&url).map_err(refuse)?;
        let payload = Payload::of(delivery);
        let body = payload.to_json();
        let timestamp = Utc::now().timestamp();
        let answer = self
            .client
            .post(url)
            .timeout(TIMEOUT)
            .header(CONTENT_TYPE, "application/json")
            .header("Sides-Event", payload.event)
            .header("Sides-Delivery", delivery.row.id)
            .header("Sides-Timestamp", timestamp)
            .header("Sides-Signature", sign(&delivery.webhook.secret, timestamp, &body))
            .body(body)
            .send()
            .await;
        match answer {
            Ok(answer) => judge(answer.status()),
            Err(error) if error.is_timeout() => {
                Err(SendError::Again(format!("no answer within {TIMEOUT:?}")))
            }
            Err(error) => Err(unsent(classify(&error))),
        }
    }
}

fn unsent(failure: Failure) -> SendError {
    match failure.kind {
        ErrorKind::PrivateAddress | ErrorKind::BadUrl => SendError::Final(failure.text),
        _ => SendError::Again(failure.text),
    }
}

fn judge(status: StatusCode) -> Result<(), SendError> {
    let again = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    if status.is_success() {
        return Ok(());
    }
    if status.is_redirection() {
        let text =
            format!("the receiver answered {status}: redirects are not followed, give the final address");
        return Err(SendError::Again(text));
    }
    let text = format!("the receiver answered {status}");
    if status.is_client_error() && !again { Err(SendError::Final(text)) } else { Err(SendError::Again(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_answers_accept_which_are_final_and_which_are_tried_again() {
        let judged = |code: u16| match judge(StatusCode::from_u16(code).unwrap()) {
            Ok(()) => "accepted",
            Err(SendError::Final(_)) => "final",
            Err(SendError::Again(_)) => "again",
        };
        for (codes, expected) in [
            (&[200, 201, 202, 204][..], "accepted"),
            (&[400, 401, 403, 404, 409, 410, 413, 422], "final"),
            (&[301, 302, 307, 408, 429, 500, 502, 503, 504], "again"),
        ] {
            for code in codes {
                assert_eq!(judged(*code), expected, "{code}");
            }
        }
    }
}
