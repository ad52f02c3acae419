//! The job kinds of this build, each with its handler.

use queue::Registry;

use crate::{State, handlers};

/// Every kind that this worker claims. A kind that is missing here waits for a build that knows it.
#[must_use]
pub fn registry(state: State) -> Registry<State> {
    Registry::new(state)
        .handle::<jobs::DeliverWebhook, _>(handlers::deliver_webhook::run)
        .handle::<jobs::PingDueServices, _>(handlers::ping_due_services::run)
        .handle::<jobs::PingService, _>(handlers::ping_service::run)
        .handle::<jobs::PruneHistory, _>(handlers::prune_history::run)
        .handle::<jobs::RollUpPings, _>(handlers::roll_up_pings::run)
}
