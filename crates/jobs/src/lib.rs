//! Job contracts: what an enqueuer and a handler agree on, and nothing else.
//!
//! A contract is a kind (a string that never changes), a version, arguments and a policy. An enqueuer needs
//! no more than this crate; a handler lives in `worker` under the same file name. This crate never knows the
//! database, handlers, tokio or any other crate of the workspace.

mod contract;
mod fields;
mod policy;

mod deliver_webhook;
mod ping_due_services;
mod ping_service;
mod prune_history;
mod roll_up_pings;

pub use contract::Job;
pub use fields::fields;
pub use policy::{Backoff, Policy};

pub use deliver_webhook::DeliverWebhook;
pub use ping_due_services::PingDueServices;
pub use ping_service::PingService;
pub use prune_history::PruneHistory;
pub use roll_up_pings::RollUpPings;
