//! The application's tables, rows and queries.
//!
//! Never knows jobs, the queue or HTTP.

pub mod schema;

mod incident;
mod ping;
mod service;
mod webhook;

pub use incident::Incident;
pub use ping::{Ping, PingHour};
pub use service::{NewService, Service, ServiceState};
pub use webhook::{Webhook, WebhookDelivery};
