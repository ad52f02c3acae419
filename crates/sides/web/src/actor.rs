//! Who does something, as it is written down.

use std::sync::Arc;

use chrono::Utc;
use database::Connection;
use diesel::{ExpressionMethods as _, QueryResult};
use diesel_async::RunQueryDsl as _;
use serde_json::json;

use crate::schema::actions::dsl;

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
    /// When the database is away.
    pub async fn note(&self, c: &mut Connection, subject: &str, action: &str) -> QueryResult<()> {
        tracing::info!(audit.subject = subject, audit.by = self.name(), "{action}");
        diesel::insert_into(dsl::actions)
            .values((
                dsl::at.eq(Utc::now()),
                dsl::subject.eq(subject),
                dsl::action.eq(action),
                dsl::asked_by.eq(self.name()),
                dsl::reason.eq("asked for on a page or over the API"),
                dsl::measured.eq(json!({})),
                dsl::outcome.eq("done"),
            ))
            .execute(c)
            .await?;
        Ok(())
    }
}
