//! Who acts, as recorded.

use std::sync::Arc;

use ::schema::actions::{self, NewAction};
use database::Connection;
use diesel::QueryResult;
use serde_json::json;

/// Somebody signed in, or a program with the secret.
#[derive(Debug, Clone)]
pub struct Actor(Arc<str>);

impl Actor {
    pub(crate) fn new(name: String) -> Self {
        Self(name.into())
    }

    /// How it is named: `session 0199a1b2 from 203.0.113.9`, `API from 203.0.113.9`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Writes down that it did something. In the caller's transaction, if there is one.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn note(&self, c: &mut Connection, subject: &str, action: &str) -> QueryResult<()> {
        tracing::info!(audit.subject = subject, audit.by = self.name(), "{action}");
        let row = NewAction {
            subject,
            action,
            asked_by: self.name(),
            reason: "asked for on a page or over the API",
            measured: &json!({}),
            outcome: "done",
        };
        actions::insert(c, row, None).await.map(drop)
    }
}
