//! Why a request got no answer, as a person and a program are told.
//!
//! A handler returns a [`Fault`]. The server shows it as a page; a scope that is wrapped with [`as_json`] as JSON.

mod json;
mod page;

use std::time::Duration;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use database::{PoolError, ReadError};
use process::chain;
use queue::EnqueueError;

pub use json::as_json;
pub(crate) use page::as_page;

/// What is wrong with one field, and what to type instead.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldFault {
    /// The field's name in the form or in JSON.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// What is named does not exist.
    #[error("There is no such {0}. It may have been deleted.")]
    Missing(&'static str),
    /// The request conflicts with the current state: a fixed word and what to do.
    #[error("{message}")]
    Conflict {
        /// For programs.
        code: &'static str,
        /// For people.
        message: String,
    },
    /// Some fields are not valid.
    #[error("Some fields are not valid.")]
    Fields(Vec<FieldFault>),
    /// The request is malformed.
    #[error("{0}")]
    Unreadable(String),
    /// The body is larger than this many bytes.
    #[error("The request is too large: at most {0} bytes are read.")]
    TooLarge(usize),
    /// The body is of another type than this one.
    #[error("This content type is not supported. Send the body as {0}.")]
    MediaType(&'static str),
    /// The body did not come in time.
    #[error("The request did not arrive in time. Send it again.")]
    TooSlow,
    /// The address does not know the method.
    #[error("This method is not allowed here. The Allow header lists those that are.")]
    Method,
    /// The process has no secret in the variable that is named.
    #[error("Nothing can be changed here: {0} is not set. Set it and restart this process.")]
    NoSecret(&'static str),
    /// Too many wrong secrets: when the next one is checked.
    #[error("Too many failed attempts. Try again in {} s.", .0.as_secs() + 1)]
    TooMany(Duration),
    /// Nobody is signed in.
    #[error("You need to sign in first.")]
    SignedOut,
    /// The form does not come from a page of this session.
    #[error("This form is no longer valid. Load the page again and repeat what you did.")]
    Forged,
    /// The same failed a moment ago, and is not tried again yet.
    #[error("This cannot be shown right now; try again in a few seconds.")]
    Busy,
    /// A statement took longer than it may.
    #[error("The database took too long to answer. Nothing was changed; try again in a few seconds.")]
    Slow(#[source] diesel::result::Error),
    /// No connection to the database.
    #[error("The database cannot be reached at the moment. Nothing was changed; try again in a few seconds.")]
    Away(#[source] PoolError),
    /// The database refused.
    #[error("The database refused this. Nothing was changed; try again in a few seconds.")]
    Database(#[source] diesel::result::Error),
    /// A job could not be enqueued.
    #[error("The job could not be enqueued. Nothing was changed; try again in a few seconds.")]
    Enqueue(#[source] EnqueueError),
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        Self::Away(error)
    }
}

impl ReadError for Fault {
    fn database(&self) -> Option<&diesel::result::Error> {
        match self {
            Self::Database(error) | Self::Slow(error) => Some(error),
            _ => None,
        }
    }
}

impl From<diesel::result::Error> for Fault {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind::Unknown, Error::DatabaseError};
        // Postgres gives a cancelled statement a code of its own, which diesel does not hand on.
        match &error {
            DatabaseError(Unknown, about)
                if about.message().contains("due to statement timeout")
                    || about.message().contains("due to lock timeout") =>
            {
                Self::Slow(error)
            }
            _ => Self::Database(error),
        }
    }
}

impl From<EnqueueError> for Fault {
    fn from(error: EnqueueError) -> Self {
        match error {
            EnqueueError::Database(error) => error.into(),
            other => Self::Enqueue(other),
        }
    }
}

impl Fault {
    /// One field is wrong.
    pub fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self::Fields(vec![FieldFault { field, message: message.into() }])
    }

    /// A fixed word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "not_found",
            Self::Conflict { code, .. } => code,
            Self::Fields(_) => "invalid_fields",
            Self::Unreadable(_) => "unreadable",
            Self::TooLarge(_) => "too_large",
            Self::MediaType(_) => "unsupported_media_type",
            Self::TooSlow => "timeout",
            Self::Method => "method_not_allowed",
            Self::NoSecret(_) => "no_admin_token",
            Self::TooMany(_) => "too_many_requests",
            Self::SignedOut => "unauthenticated",
            Self::Forged => "forged",
            Self::Busy | Self::Slow(_) | Self::Away(_) | Self::Database(_) | Self::Enqueue(_) => {
                "unavailable"
            }
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::Fields(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::NoSecret(_) | Self::Forged => StatusCode::FORBIDDEN,
            Self::Busy | Self::Slow(_) | Self::Away(_) | Self::Database(_) | Self::Enqueue(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// Our own trouble goes to the log with its whole chain; the visitor is not told more than what to do.
    fn log(&self) {
        if self.status().is_server_error() && !matches!(self, Self::Busy) {
            tracing::error!(error = %chain(self), "a request could not be answered");
        }
    }

    /// An answer with this fault's status and headers, and nothing in it yet.
    fn answer(&self) -> actix_web::HttpResponseBuilder {
        let mut answer = HttpResponse::build(self.status());
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            answer.insert_header((header::RETRY_AFTER, "5"));
        }
        if let Self::TooMany(wait) = self {
            answer.insert_header((header::RETRY_AFTER, (wait.as_secs() + 1).to_string()));
        }
        if matches!(self, Self::TooSlow) {
            answer.force_close();
        }
        answer
    }
}

/// What the middleware replaces by a page or by JSON.
impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.log();
        self.answer().content_type("text/plain; charset=utf-8").body(self.to_string())
    }
}
