//! Adding, listing, pausing and deleting webhooks.

use diesel::{prelude::*, sql_types};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl};

use crate::{
    Webhook, WebhookDelivery,
    schema::{webhook_deliveries, webhooks},
};

/// Taken by whoever adds one: the bytes of "webhook".
const LOCK: i64 = i64::from_be_bytes(*b"\0webhook");

/// Adds a webhook, unless there is one for this address: its receiver would be told everything twice. The secret is the
/// key of its signatures.
///
/// # Errors
/// When the database refuses or is away.
pub async fn add(c: &mut AsyncPgConnection, url: &str, secret: &str) -> QueryResult<Option<Webhook>> {
    c.transaction(async |c| {
        // Two requests at once would both find none.
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
            .bind::<sql_types::BigInt, _>(LOCK)
            .execute(c)
            .await?;
        let known = webhooks::table.filter(webhooks::url.eq(url));
        if diesel::select(diesel::dsl::exists(known)).get_result(c).await? {
            return Ok(None);
        }
        diesel::insert_into(webhooks::table)
            .values((webhooks::url.eq(url), webhooks::secret.eq(secret)))
            .returning(Webhook::as_returning())
            .get_result(c)
            .await
            .map(Some)
    })
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

/// Stops telling a webhook, or tells it again; what happens meanwhile it is never told. Whether there is one.
///
/// # Errors
/// When the database is unavailable.
pub async fn set_paused(c: &mut AsyncPgConnection, id: i64, paused: bool) -> QueryResult<bool> {
    let since =
        "UPDATE webhooks SET disabled_at = CASE WHEN $2 THEN coalesce(disabled_at, now()) END WHERE id = $1";
    let changed = diesel::sql_query(since)
        .bind::<sql_types::BigInt, _>(id)
        .bind::<sql_types::Bool, _>(paused)
        .execute(c)
        .await?;
    Ok(changed > 0)
}
