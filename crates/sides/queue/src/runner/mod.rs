//! Claims jobs, runs them, says what became of them.
//!
//! One task claims ([`claimer`]), one writes outcomes ([`outcomes`]), one keeps the lease ([`heartbeat`]), each
//! over a connection of its own, and one listens ([`listener`]), which shows that the runner lives ([`presence`]): others
//! look for that ([`watch`]), and take the jobs of who is gone. Claims go on where the last one ended ([`position`]); what
//! appears behind that place is heard of ([`late`]) or found by looking through everything ([`sweep`]). The jobs run in the
//! slots of a worker pool ([`worker_pool`]). A claim takes a fencing token, and an outcome is only written by who still has
//! it.

mod ahead;
mod attempt;
mod buffer;
mod claimer;
mod config;
mod heartbeat;
mod in_flight;
pub(crate) mod inline;
mod late;
mod lease;
mod listener;
mod metrics;
mod outcome;
mod outcomes;
mod position;
mod presence;
mod report;
mod rescues;
mod run;
mod session;
mod sql;
mod stop;
mod sweep;
mod unpark;
mod vacuum;
mod watch;
mod worker_pool;

pub(crate) use self::sql::lease::FORGET_NOTES;

pub use self::config::RunnerConfig;
pub use self::metrics::Metrics;
pub use self::report::Part;
pub use self::run::{Runner, RunnerError};

pub(crate) mod bench {
    pub use super::{
        session::SETTINGS,
        sql::{
            claim::{ALL as CLAIM, PARTS as CLAIM_PARTS},
            finish::FINISHED as FINISH,
        },
    };
}
