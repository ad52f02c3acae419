//! Heroku as it behaves, on loopback, and what every place must pass. A dev-dependency only.
//!
//! The [`Heroku`] here keeps state as the real one does, runs slugs as real processes, and holds every request and
//! every answer against what Heroku publishes of its interface (`endpoints.json`). [`conformance`] is the one suite
//! that every [`platform::place::Place`] passes.

mod addons;
mod apps;
mod calls;
pub mod conformance;
mod dynos;
mod faults;
mod http;
mod launch;
mod logs;
mod ports;
mod releases;
mod router;
mod schema;
mod server;
mod settings;
mod slugs;
mod state;

pub use faults::Fault;
pub use server::{Heroku, Seen};
pub use settings::Settings;
