//! Looks after a fleet: every instance of every process, wherever it runs.
//!
//! Each controller asks every instance itself how it is (`watch`), without the queue, and writes down what it finds.
//! Where a place runs a process (this machine's host, Heroku: [`platform::place::Place`]), what is down is restarted,
//! workers are recycled before they wear out (`recycle`) and processes are scaled (`scale`), all through the one
//! `actuator`. Any number of controllers may run: rows and locks in Postgres make one of them act.
//!
//! What a process does, and so what it needs, it says itself in its manifest: this crate knows none by its name, and no
//! model or handler.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use sides_controller::{Controller, Settings};
//!
//! fn main() -> ExitCode {
//!     process::Definition::new("clock", "Looks after the other processes.")
//!         .declares(process::Declaration::new().tables(sides_controller::SCHEMA))
//!         .run(Settings::read, |process, settings| async move {
//!             Controller::new(settings)?.start(&process)?;
//!             process.drain.started().await;
//!             Ok(())
//!         })
//! }
//! ```

mod actions;
mod actuator;
mod budget;
mod controller;
mod heroku;
mod inventory;
mod reconciler;
mod recycle;
mod replica;
mod scale;
mod scrape;
mod settings;
mod watch;

pub use controller::Controller;
pub use heroku::HerokuSettings;
pub use recycle::RecycleSettings;
pub use scale::ScaleSettings;
pub use settings::Settings;
pub use watch::WatchSettings;

/// The tables that this crate uses besides those of [`process`], `queue` and the scheduler, for a
/// [`process::Declaration`].
pub const SCHEMA: manifest::Tables = &[
    ::schema::table("actions"),
    ::schema::table("instances"),
    ::schema::table("memory_trends"),
    ::schema::table("scale_requests"),
    ::schema::table("ticks"),
];
