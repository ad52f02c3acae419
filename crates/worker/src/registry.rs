//! The job kinds of this build, each with its handler. Job types written for fang 0.11 need no line here: those that
//! are linked run as they are.

use process::Contract;
use queue::Registry;

use crate::{
    State,
    contract::{contract, undescribed},
    handlers,
};

/// One list, read twice: by the runner and by the manifest.
macro_rules! handlers {
    ($($job:ident => $handler:ident,)*) => {
        /// Every kind that this worker claims. A kind that is missing here waits for a build that knows it.
        #[must_use]
        pub fn registry(state: State) -> Registry<State> {
            let pool = state.pool.clone();
            Registry::new(state)$(.handle::<jobs::$job, _>(handlers::$handler::run))*.handle_fang(pool)
        }

        /// The same kinds, for those who plan releases.
        pub(crate) fn contracts() -> Vec<Contract> {
            let fang = queue::fang_kinds().into_iter().map(undescribed);
            [$(contract::<jobs::$job>()),*].into_iter().chain(fang).collect()
        }
    };
}

handlers! {
    DeliverWebhook => deliver_webhook,
    PingDueServices => ping_due_services,
    PingService => ping_service,
    PruneHistory => prune_history,
    RollUpPings => roll_up_pings,
}
