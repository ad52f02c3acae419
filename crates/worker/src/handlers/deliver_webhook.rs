//! One notification to one webhook.

use job::Job as _;
use jobs::DeliverWebhook;
use models::deliveries;
use queue::{Context, JobError};

use crate::{State, webhook::SendError};

/// Sends it, and notes in its row what happened to it. A crash between the two sends it again, under the same
/// delivery number.
pub(crate) async fn run(job: DeliverWebhook, context: Context<State>) -> Result<(), JobError> {
    let state = &context.state;
    let delivery = deliveries::find(&mut *state.pool.get().await?, job.delivery_id).await?;
    let Some(delivery) = delivery else {
        return Err(JobError::discard("the webhook or the service was deleted"));
    };
    if delivery.row.delivered_at.is_some() {
        return Ok(());
    }
    let sent = if delivery.webhook.disabled_at.is_some() {
        Err(SendError::Final("the webhook is disabled".to_owned()))
    } else {
        state.webhooks.send(&delivery).await
    };
    state.metrics.delivered(outcome(&sent));
    let mut connection = state.pool.get().await?;
    let error = match sent {
        Ok(()) => return Ok(deliveries::delivered(&mut connection, job.delivery_id).await?),
        Err(error) => error,
    };
    let reason = match context.attempt {
        last if last >= DeliverWebhook::POLICY.max_attempts => {
            format!("given up after {last} attempts: {error}")
        }
        attempt => format!("attempt {attempt}: {error}"),
    };
    deliveries::failed(&mut connection, job.delivery_id, &reason).await?;
    match error {
        SendError::Final(reason) => Err(JobError::discard(reason)),
        again @ SendError::Again(_) => Err(JobError::retry(again)),
    }
}

fn outcome(sent: &Result<(), SendError>) -> &'static str {
    match sent {
        Ok(()) => "delivered",
        Err(SendError::Again(_)) => "failed",
        Err(SendError::Final(_)) => "refused",
    }
}
