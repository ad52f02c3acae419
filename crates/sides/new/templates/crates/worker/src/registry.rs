//! The job kinds of this build, each with its handler.

use job::Job;
use process::Contract;
use queue::Registry;

use crate::{handlers, state::State};

/// One list, read twice: by the runner and by the manifest.
macro_rules! handlers {
    ($($job:ident => $handler:ident,)*) => {
        /// Every kind that this worker claims. A kind that is missing here waits for a build that knows it.
        pub(crate) fn registry(state: State) -> Registry<State> {
            Registry::new(state)$(.handle::<jobs::$job, _>(handlers::$handler::run))*
        }

        /// The same kinds, for those who plan releases.
        pub(crate) fn contracts() -> Vec<Contract> {
            vec![$(contract::<jobs::$job>()),*]
        }
    };
}

handlers! {
    Greet => greet,
}

fn contract<J: Job>() -> Contract {
    Contract {
        kind: J::KIND.to_owned(),
        version: J::VERSION,
        oldest: J::OLDEST,
        aliases: J::ALIASES.iter().map(ToString::to_string).collect(),
        arguments: job::fields::<J>(),
    }
}
