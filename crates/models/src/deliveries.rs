//! Webhook deliveries: what is to be sent, and what was.

use diesel::{
    dsl::now,
    prelude::*,
    sql_types::{BigInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    Incident, Service, Webhook, WebhookDelivery,
    pings::IncidentTransition,
    schema::{incidents, services, webhook_deliveries, webhooks},
};

/// The longest reason that is kept, in characters.
const REASON_LIMIT: usize = 500;

/// A delivery with everything it speaks of.
#[derive(Clone, Queryable, Selectable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct Delivery {
    /// The delivery itself.
    #[diesel(embed)]
    pub row: WebhookDelivery,
    /// Who is told.
    #[diesel(embed)]
    pub webhook: Webhook,
    /// Of what.
    #[diesel(embed)]
    pub incident: Incident,
    /// Whose incident it is.
    #[diesel(embed)]
    pub service: Service,
}

/// Decides who is told of a transition: every webhook, once. Returns the ids of the new deliveries.
///
/// # Errors
/// When the database is unavailable.
pub async fn create(c: &mut AsyncPgConnection, told: IncidentTransition) -> QueryResult<Vec<i64>> {
    let receivers = webhooks::table.filter(webhooks::disabled_at.is_null()).select((
        webhooks::id,
        told.incident_id.into_sql::<BigInt>(),
        told.transition.name().into_sql::<Text>(),
    ));
    diesel::insert_into(webhook_deliveries::table)
        .values(receivers)
        .into_columns((
            webhook_deliveries::webhook_id,
            webhook_deliveries::incident_id,
            webhook_deliveries::transition,
        ))
        .on_conflict_do_nothing()
        .returning(webhook_deliveries::id)
        .get_results(c)
        .await
}

/// One delivery. `None` when its webhook or its service was deleted.
///
/// # Errors
/// When the database is unavailable.
pub async fn find(c: &mut AsyncPgConnection, id: i64) -> QueryResult<Option<Delivery>> {
    webhook_deliveries::table
        .inner_join(webhooks::table)
        .inner_join(incidents::table.inner_join(services::table))
        .filter(webhook_deliveries::id.eq(id))
        .select(Delivery::as_select())
        .first(c)
        .await
        .optional()
}

/// Notes that the receiver accepted it.
///
/// # Errors
/// When the database is unavailable.
pub async fn delivered(c: &mut AsyncPgConnection, id: i64) -> QueryResult<()> {
    diesel::update(webhook_deliveries::table.find(id))
        .set((
            webhook_deliveries::delivered_at.eq(now.into_sql::<Timestamptz>().nullable()),
            webhook_deliveries::last_error.eq(None::<String>),
        ))
        .execute(c)
        .await
        .map(drop)
}

/// Notes why an attempt failed.
///
/// # Errors
/// When the database is unavailable.
pub async fn failed(c: &mut AsyncPgConnection, id: i64, reason: &str) -> QueryResult<()> {
    let reason: String = reason.chars().filter(|c| *c != '\0').take(REASON_LIMIT).collect();
    diesel::update(webhook_deliveries::table.find(id))
        .filter(webhook_deliveries::delivered_at.is_null())
        .set(webhook_deliveries::last_error.eq(reason))
        .execute(c)
        .await
        .map(drop)
}
