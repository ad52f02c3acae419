//! The job kinds of this build, each with its handler.

use process::Contract;
use queue::Registry;

use crate::{State, declaration::contract, handlers};

/// One list, read twice: by the runner and by the manifest.
macro_rules! handlers {
    ($($job:ident => $handler:ident,)*) => {
        /// Every kind that this worker claims. A kind that is missing here waits for a build that knows it.
        #[must_use]
        pub fn registry(state: State) -> Registry<State> {
            Registry::new(state)$(.handle::<jobs::$job, _>(handlers::$handler::run))*
        }

        /// The same kinds, for those who plan releases.
        pub(crate) fn contracts() -> Vec<Contract> {
            vec![$(contract::<jobs::$job>()),*]
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
