//! A webhook: who is notified.

use chrono::{DateTime, Utc};
use database::{Moment, OptionalMoment};
use diesel::prelude::*;

use crate::schema::{webhook_deliveries, webhooks};

/// A place that is told of every incident's opening and closing.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = webhooks, check_for_backend(diesel::pg::Pg))]
pub struct Webhook {
    /// Its key.
    pub id: i64,
    /// Where to post.
    pub url: String,
    /// The key of the signature. Never shown after it was made.
    pub secret: String,
    /// When it was added.
    #[diesel(deserialize_as = Moment)]
    pub created_at: DateTime<Utc>,
    /// Since when it is not told any more.
    #[diesel(deserialize_as = OptionalMoment)]
    pub disabled_at: Option<DateTime<Utc>>,
}

/// One notification of one webhook.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = webhook_deliveries, check_for_backend(diesel::pg::Pg))]
pub struct WebhookDelivery {
    /// Its key, and the receiver's idempotency key.
    pub id: i64,
    /// Who is told.
    pub webhook_id: i64,
    /// Of what.
    pub incident_id: i64,
    /// `opened` or `closed`.
    pub transition: String,
    /// When it was decided.
    #[diesel(deserialize_as = Moment)]
    pub created_at: DateTime<Utc>,
    /// When the receiver accepted it.
    #[diesel(deserialize_as = OptionalMoment)]
    pub delivered_at: Option<DateTime<Utc>>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}
