//! Why a request got no answer, as a person and a program are told.

mod api;
mod page;

use actix_web::http::StatusCode;
use database::PoolError;
use process::chain;
use queue::EnqueueError;

pub(crate) use api::ApiFault;
pub(crate) use page::PageFault;

/// What is wrong with one field, and what to type instead.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct FieldFault {
    pub(crate) field: &'static str,
    pub(crate) message: String,
}

/// Why there is no answer. Pages show it as [`PageFault`], the API as [`ApiFault`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("There is no such {0}. It may have been deleted.")]
    Missing(&'static str),
    #[error("Somebody else changed this service in the meantime. Load it again and repeat the change.")]
    Conflict,
    #[error("{0} watches this application itself and cannot be deleted. Pause it instead.")]
    OwnProcess(String),
    #[error("Some fields cannot be used as they are.")]
    Fields(Vec<FieldFault>),
    #[error("{0}")]
    Unreadable(String),
    #[error("Nothing can be changed here: web runs without ADMIN_TOKEN. Set it and start web again.")]
    NoToken,
    #[error("This needs the admin token.")]
    SignedOut,
    #[error("This form is no longer valid. Load the page again and repeat what you did.")]
    Forged,
    #[error("The database cannot be reached at the moment. Nothing was changed; try again in a few seconds.")]
    Away(#[source] PoolError),
    #[error("The database did not carry this out. Nothing was changed; try again in a few seconds.")]
    Database(#[from] diesel::result::Error),
    #[error("The job could not be enqueued. Nothing was changed; try again in a few seconds.")]
    Enqueue(#[source] EnqueueError),
}

impl From<EnqueueError> for Fault {
    fn from(error: EnqueueError) -> Self {
        match error {
            EnqueueError::Database(error) => Self::Database(error),
            other => Self::Enqueue(other),
        }
    }
}

impl Fault {
    pub(crate) fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self::Fields(vec![FieldFault { field, message: message.into() }])
    }

    /// A fixed word for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "not_found",
            Self::Conflict => "conflict",
            Self::OwnProcess(_) => "own_process",
            Self::Fields(_) => "invalid_fields",
            Self::Unreadable(_) => "unreadable",
            Self::NoToken => "no_admin_token",
            Self::SignedOut => "unauthenticated",
            Self::Forged => "forged",
            Self::Away(_) | Self::Database(_) | Self::Enqueue(_) => "unavailable",
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::Conflict | Self::OwnProcess(_) => StatusCode::CONFLICT,
            Self::Fields(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::NoToken | Self::Forged => StatusCode::FORBIDDEN,
            Self::Away(_) | Self::Database(_) | Self::Enqueue(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Our own trouble goes to the log with its whole chain; the visitor is not told more than what to do.
    pub(crate) fn log(&self) {
        if self.status().is_server_error() {
            tracing::error!(error = %chain(self), "a request could not be answered");
        }
    }
}
