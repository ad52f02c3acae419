//! Errors of the API.

use serde::Deserialize;

/// A call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// Heroku understood and refused; nothing was carried out.
    #[error("{what}: {message} ({id})")]
    Refused {
        /// The call: `POST /apps/acme-web/slugs`.
        what: String,
        /// The HTTP status.
        status: u16,
        /// Heroku's word for it: `not_found`, `invalid_params`.
        id: String,
        /// In words.
        message: String,
    },
    /// No answer, or one that does not say whether anything was carried out.
    #[error("{what}: {reason}")]
    Lost {
        /// The call.
        what: String,
        /// What was seen instead of an answer.
        reason: String,
    },
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    id: String,
    message: String,
}

impl ApiError {
    pub(crate) fn of(what: &str, status: u16, body: &[u8]) -> Self {
        let what = what.to_owned();
        if status >= 500 {
            return Self::Lost { what, reason: format!("answered {status}") };
        }
        let Body { id, message } = serde_json::from_slice(body).unwrap_or_default();
        let (id, message) = match status {
            401 => (
                id,
                "the token in HEROKU_API_KEY is not accepted: create one with `heroku auth:token`".to_owned(),
            ),
            _ if message.is_empty() => (status.to_string(), "refused without giving a reason".to_owned()),
            _ => (id, message),
        };
        Self::Refused { what, status, id, message }
    }

    /// Whether what was asked for does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }
}
