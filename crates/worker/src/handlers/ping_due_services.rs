//! Fans out: one ping job for every service that is due.

use diesel_async::AsyncConnection as _;
use jobs::{PingDueServices, PingService};
use models::pings;
use queue::{Context, EnqueueError, JobError};

use crate::State;

/// How many services one transaction takes on.
const BATCH: u16 = 5_000;

/// Claims what is due and enqueues it, both or neither. A service whose last ping has not ended yet gets no
/// second one: a slow host is not piled up.
pub(crate) async fn run(_: PingDueServices, context: Context<State>) -> Result<(), JobError> {
    let mut connection = context.state.pool.get().await?;
    let mut claimed = usize::MAX;
    while claimed >= usize::from(BATCH) && !context.is_cancelled() {
        claimed = connection
            .transaction(async |c| {
                let due = pings::claim_due(c, BATCH).await?;
                let jobs: Vec<PingService> = due
                    .into_iter()
                    .map(|ping| PingService { service_id: ping.service_id, due_at: ping.due_at })
                    .collect();
                queue::enqueue_all_unique(c, &jobs, |job| job.service_id.to_string()).await?;
                Ok::<_, EnqueueError>(jobs.len())
            })
            .await?;
    }
    Ok(())
}
