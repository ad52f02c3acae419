//! Deletes old history batch by batch, so that nobody waits for a long transaction.

use jobs::PruneHistory;
use models::pruning;
use queue::{Context, JobError};

use crate::State;

const BATCH: u16 = 10_000;

/// Prunes service by service. What is left when the time is up goes the next time.
pub(crate) async fn run(_: PruneHistory, context: Context<State>) -> Result<(), JobError> {
    let mut connection = context.state.pool.get().await?;
    let full = usize::from(BATCH);
    let (mut pings, mut hours) = (0, 0);
    for service_id in pruning::service_ids(&mut connection).await? {
        let mut gone = full;
        while gone == full && !context.is_cancelled() {
            gone = pruning::pings(&mut connection, service_id, BATCH).await?;
            pings += gone;
        }
    }
    let mut gone = full;
    while gone == full && !context.is_cancelled() {
        gone = pruning::hours(&mut connection, BATCH).await?;
        hours += gone;
    }
    let mut gone = full;
    while gone == full && !context.is_cancelled() {
        gone = pruning::days(&mut connection, BATCH).await?;
    }
    tracing::info!(pings, hours, "old history pruned");
    Ok(())
}
