//! The application's tables, rows and queries.
//!
//! Never knows jobs, the queue or HTTP.

pub mod deliveries;
pub mod pings;
pub mod pruning;
pub mod reads;
pub mod roll_ups;
pub mod schema;
pub mod services;
pub mod webhooks;

mod error_kind;
mod incident;
mod incidents;
mod ping;
mod service;
mod standing;
mod transition;
mod webhook;

pub use error_kind::ErrorKind;
pub use incident::Incident;
pub use ping::{Ping, PingHour};
pub use service::{NewService, Service, ServiceState};
pub use standing::Standing;
pub use transition::Transition;
pub use webhook::{Webhook, WebhookDelivery};

/// The tables that this crate uses, for a process' manifest.
pub const SCHEMA: manifest::Tables = manifest::tables!("src/schema.rs");
