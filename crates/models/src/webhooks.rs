//! Adding, listing and deleting webhooks.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    Webhook, WebhookDelivery,
    schema::{webhook_deliveries, webhooks},
};

/// Adds a webhook. The secret is the key of its signatures.
///
/// # Errors
/// When the database refuses or is away.
pub async fn create(c: &mut AsyncPgConnection, url: &str, secret: &str) -> QueryResult<Webhook> {
    diesel::insert_into(webhooks::table)
        .values((webhooks::url.eq(url), webhooks::secret.eq(secret)))
        .returning(Webhook::as_returning())
        .get_result(c)
        .await
}

/// All webhooks, oldest first, each with its newest delivery.
///
/// # Errors
/// When the database is unavailable.
pub async fn all(c: &mut AsyncPgConnection) -> QueryResult<Vec<(Webhook, Option<WebhookDelivery>)>> {
    let webhooks: Vec<Webhook> =
        webhooks::table.order(webhooks::id).select(Webhook::as_select()).load(c).await?;
    let mut newest: Vec<WebhookDelivery> = webhook_deliveries::table
        .distinct_on(webhook_deliveries::webhook_id)
        .order((webhook_deliveries::webhook_id, webhook_deliveries::id.desc()))
        .select(WebhookDelivery::as_select())
        .load(c)
        .await?;
    Ok(webhooks
        .into_iter()
        .map(|webhook| {
            let at = newest.iter().position(|delivery| delivery.webhook_id == webhook.id);
            (webhook, at.map(|at| newest.swap_remove(at)))
        })
        .collect())
}

/// Deletes a webhook; whatever waits to be delivered to it goes too. Whether there was one.
///
/// # Errors
/// When the database is unavailable.
pub async fn delete(c: &mut AsyncPgConnection, id: i64) -> QueryResult<bool> {
    Ok(diesel::delete(webhooks::table.find(id)).execute(c).await? > 0)
}

/// Whether somebody is told at this address already.
///
/// # Errors
/// When the database is unavailable.
pub async fn is_known(c: &mut AsyncPgConnection, url: &str) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(webhooks::table.filter(webhooks::url.eq(url)))).get_result(c).await
}
