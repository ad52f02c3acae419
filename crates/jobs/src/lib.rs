//! The application's job contracts: what an enqueuer and a handler agree on, and nothing else.
//!
//! One file a job. Its handler lives in `worker` under the same file name. Never knows the database, handlers
//! or tokio.

mod deliver_webhook;
mod ping_due_services;
mod ping_service;
mod prune_history;
mod roll_up_pings;

pub use deliver_webhook::DeliverWebhook;
pub use ping_due_services::PingDueServices;
pub use ping_service::PingService;
pub use prune_history::PruneHistory;
pub use roll_up_pings::RollUpPings;
